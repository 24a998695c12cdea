/**
 * Measures the cost of a response with a whole fleet by client: time, CPU time and memory. Starts its own Prometheus
 * with backfilled features, runs each client in its own processes, interleaved, and writes medians to
 * bench/results/query-client.json.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { writeResults } from '../results.ts';
import { round } from '../statistics.ts';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { PrometheusClient } from '../../scorer/prometheus/client.ts';
import { parseValue } from '../../scorer/prometheus/response.ts';
import { median } from '../../scorer/numeric/statistics.ts';
import { startPrometheus } from '../../test/testserver/prometheus.ts';

const SERVICES = 1000;
const FEATURES = 14;
const CHANNELS = ['red', 'green', 'blue'];
const STEP_SECONDS = 60;
const HISTORY_POINTS = 61;
const ROUNDS = 5;
const QUERIES = 6;
const SELECTORS = {
  10_500: 'service:lorikeet_feature:window{namespace=~"shop-[0-4]"}',
  42_000: 'service:lorikeet_feature:window',
} as const;

/** The measurement of a child process. */
interface Task {
  readonly url: string;
  readonly client: string;
  readonly selector: string;
  readonly points: number;
  readonly endSeconds: number;
}

interface Measurement {
  readonly series: number;
  readonly ms: number;
  readonly cpu_ms: number;
  /** Increase of the resident memory since the start of the process: the peak, and after a garbage collection. */
  readonly peak_mb: number;
  readonly rest_mb: number;
}

/** Fetches once and returns the result, which the caller keeps until the next. */
type Fetch = () => Promise<readonly unknown[]>;

async function prepare({ url, client, selector, points, endSeconds }: Task): Promise<Fetch> {
  const startSeconds = endSeconds - (points - 1) * STEP_SECONDS;
  const range = [startSeconds * 1000, endSeconds * 1000, STEP_SECONDS * 1000] as const;
  if (client === 'prometheus-query') {
    const { PrometheusDriver } = await import('prometheus-query');
    const driver = new PrometheusDriver({ endpoint: url, preferPost: true, timeout: 120_000 });
    return async () => (await driver.rangeQuery(selector, range[0], range[1], STEP_SECONDS)).result;
  }
  if (client === 'undici and JSON.parse') {
    const body = new URLSearchParams({
      query: selector,
      start: `${startSeconds}`,
      end: `${endSeconds}`,
      step: `${STEP_SECONDS}`,
    }).toString();
    return () => fetchAndParse(`${url}/api/v1/query_range`, body);
  }
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 120_000, maxBytes: 2 ** 30 });
  const prometheus = new PrometheusClient({ url, http });
  switch (client) {
    case 'queryRange':
      return async () => (await prometheus.queryRange(selector, ...range)).series;
    case 'samples':
      return async () => (await prometheus.samples(selector, range[0] - range[2], range[1])).series;
    case 'samples, visited':
      return async () => {
        let visited = 0;
        await prometheus.samples(selector, range[0] - range[2], range[1], { visit: () => void visited++ });
        return { length: visited } as unknown as readonly unknown[];
      };
    default:
      throw new Error(`no client ${client}`);
  }
}

const CLIENTS = ['prometheus-query', 'undici and JSON.parse', 'queryRange', 'samples', 'samples, visited'];

interface ApiMatrix {
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>;
      readonly values: readonly (readonly [number, string])[];
    }[];
  };
}

const agent = new Agent();

async function fetchAndParse(url: string, body: string): Promise<readonly unknown[]> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await request(url, { method: 'POST', body, headers, dispatcher: agent });
  const { data } = JSON.parse(await response.body.text()) as ApiMatrix;
  return data.result.map(({ metric, values }) => ({
    labels: metric,
    timestamps: Float64Array.from(values, ([seconds]) => seconds * 1000),
    values: Float64Array.from(values, ([, text]) => parseValue(text)),
  }));
}

async function measure(task: Task): Promise<Measurement> {
  const fetch = await prepare(task);
  const collect = globalThis.gc ?? (() => undefined);
  collect();
  const base = process.memoryUsage().rss;
  const times: number[] = [];
  const cpu = process.cpuUsage();
  let kept: readonly unknown[] = [];
  for (let i = 0; i < QUERIES; i++) {
    kept = [];
    const started = performance.now();
    kept = await fetch();
    times.push(performance.now() - started);
  }
  const { user, system } = process.cpuUsage(cpu);
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
  const series = kept.length;
  kept = [];
  collect();
  const rest = process.memoryUsage().rss;
  const mb = (bytes: number) => round((bytes - base) / 2 ** 20);
  return {
    series,
    ms: round(median(times)),
    cpu_ms: round((user + system) / 1000 / QUERIES),
    peak_mb: mb(peak),
    rest_mb: mb(rest),
  };
}

async function measureInChild(task: Task): Promise<Measurement> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--expose-gc',
    process.argv[1] ?? '',
    JSON.stringify(task),
  ]);
  return JSON.parse(stdout) as Measurement;
}

async function main(): Promise<void> {
  const endSeconds = Math.floor(Date.now() / 3_600_000) * 3600;
  const prometheus = await startPrometheus({ history: history(endSeconds) });
  try {
    const rows = [];
    for (const selector of Object.values(SELECTORS)) {
      for (const points of [2, HISTORY_POINTS]) {
        const tasks = CLIENTS.map((client) => ({ url: prometheus.url, client, selector, points, endSeconds }));
        rows.push(...(await measureInterleaved(tasks)));
      }
    }
    writeResults('query-client', rows);
  } finally {
    await prometheus.stop();
  }
}

async function measureInterleaved(tasks: readonly Task[]): Promise<readonly object[]> {
  const measured = new Map<Task, Measurement[]>(tasks.map((task) => [task, []]));
  for (let round_ = 0; round_ < ROUNDS; round_++) {
    for (const task of tasks) measured.get(task)?.push(await measureInChild(task));
  }
  return tasks.map((task) => {
    const all = measured.get(task) ?? [];
    const of = (key: keyof Measurement) => round(median(all.map((one) => one[key])));
    const row = {
      client: task.client,
      series: of('series'),
      points: task.points,
      ms: of('ms'),
      cpu_ms: of('cpu_ms'),
      peak_mb: of('peak_mb'),
      rest_mb: of('rest_mb'),
    };
    process.stdout.write(`${JSON.stringify(row)}\n`);
    return row;
  });
}

function* history(endSeconds: number): Generator<string> {
  yield '# TYPE service:lorikeet_feature:window gauge\n';
  for (let service = 0; service < SERVICES; service++) {
    for (let feature = 0; feature < FEATURES; feature++) {
      for (const channel of CHANNELS) {
        const labels = `namespace="shop-${service % 20}",service="service-${service}",feature="feature_${feature}",channel="${channel}"`;
        let lines = '';
        for (let point = HISTORY_POINTS - 1; point >= 0; point--) {
          lines += `service:lorikeet_feature:window{${labels}} ${Math.random() * 1000} ${endSeconds - point * STEP_SECONDS}\n`;
        }
        yield lines;
      }
    }
  }
  yield '# EOF\n';
}

const [, , task] = process.argv;
if (task === undefined) await main();
else {
  process.stdout.write(JSON.stringify(await measure(JSON.parse(task) as Task)));
  process.exit(0);
}
