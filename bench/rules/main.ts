/**
 * Measures the cost of the shipped recording rules for Prometheus by size of the fleet: the CPU time to evaluate all of
 * them, and the slowest group, which limits the interval. Starts a Prometheus with 15 minutes of raw series, the
 * longest window. Writes bench/results/rules.json.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { median } from '../../scorer/numeric/statistics.ts';
import { startPrometheus } from '../../test/testserver/prometheus.ts';
import { writeResults } from '../results.ts';
import { round } from '../statistics.ts';
import { rawFleet } from './raw-fleet.ts';

const FLEETS = [100, 1000];
const SCRAPE_SECONDS = 15;
const HISTORY_SECONDS = 15 * 60;
/** Long enough that an evaluation ends before the next one. */
const EVALUATION_SECONDS = 15;
const EVALUATIONS = 5;

interface Row {
  readonly services: number;
  /** Raw series read by the rules, and series written by them. */
  readonly series: number;
  readonly recorded: number;
  readonly evaluation_cpu_ms: number;
  readonly slowest_group: string;
  readonly slowest_ms: number;
  readonly graph_ms: number;
}

interface Evaluation {
  readonly cpuSeconds: number;
  /** Group -> duration of its last evaluation in seconds. */
  readonly groups: ReadonlyMap<string, number>;
  /** Number of evaluations of groups since the start. */
  readonly count: number;
}

async function measure(services: number): Promise<Row> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-rules-'));
  const rules = join(folder, 'rules.yaml');
  // No rules are evaluated while the history is written.
  await writeFile(rules, 'groups: []\n');
  const config = `global: { evaluation_interval: ${EVALUATION_SECONDS}s }\nrule_files: ['${rules}']\n`;
  const prometheus = await startPrometheus({ config });
  try {
    const series = await writeHistory(prometheus.url, services);
    const intervalMs = EVALUATION_SECONDS * 1000;
    await writeFile(rules, renderRecordingRules(readFeatures('rules/features.yaml'), { intervalMs }));
    await fetch(`${prometheus.url}/-/reload`, { method: 'POST' });
    const evaluations: Evaluation[] = [];
    for (let done = 0; done <= EVALUATIONS; done++) {
      await sleep(EVALUATION_SECONDS * 1000);
      evaluations.push(await readEvaluation(prometheus.url));
    }
    return rowOf(services, series, await countRecorded(prometheus.url), evaluations.slice(1));
  } finally {
    await prometheus.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns series */
async function writeHistory(url: string, services: number): Promise<number> {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 60_000 });
  const writer = new RemoteWriter({
    url: `${url}/api/v1/write`,
    http,
    logger: createLogger({}),
    maxSamplesPerSend: 20_000,
    maxQueuedSamples: Infinity,
    retryAgeMs: 2 * HISTORY_SECONDS * 1000,
  });
  const now = Date.now();
  let series = 0;
  for (let age = HISTORY_SECONDS; age >= 0; age -= SCRAPE_SECONDS) {
    const samples = rawFleet(services, HISTORY_SECONDS - age, now - age * 1000);
    series = samples.length;
    await writer.write(samples);
  }
  await writer.close();
  await http.close();
  return series;
}

async function readEvaluation(url: string): Promise<Evaluation> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const matches = (pattern: RegExp) => [...text.matchAll(pattern)];
  const durations = matches(/^prometheus_rule_group_last_duration_seconds\{rule_group="[^;]*;([^"]*)"\} (\S+)$/gm);
  const iterations = matches(/^prometheus_rule_group_iterations_total\{[^}]*\} (\S+)$/gm);
  return {
    cpuSeconds: Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]),
    groups: new Map(durations.map(([, group = '', seconds]) => [group, Number(seconds)])),
    count: iterations.reduce((sum, [, count]) => sum + Number(count), 0),
  };
}

async function countRecorded(url: string): Promise<number> {
  const query = encodeURIComponent('count({__name__=~"(service|edge):lorikeet_.+"})');
  const answer = (await (await fetch(`${url}/api/v1/query?query=${query}`)).json()) as {
    data: { result: { value: [number, string] }[] };
  };
  return Number(answer.data.result[0]?.value[1] ?? 0);
}

function rowOf(services: number, series: number, recorded: number, evaluations: readonly Evaluation[]): Row {
  const groups = [...(evaluations[0]?.groups.keys() ?? [])];
  const milliseconds = (group: string) => 1000 * median(evaluations.map((one) => one.groups.get(group) ?? NaN));
  const slowest = groups.reduce(
    (worst, group) => (milliseconds(group) > milliseconds(worst) ? group : worst),
    groups[0] ?? '',
  );
  const [first, last] = [evaluations[0], evaluations.at(-1)];
  if (first === undefined || last === undefined) throw new Error('no rules were evaluated');
  const rounds = (last.count - first.count) / groups.length;
  return {
    services,
    series,
    recorded,
    evaluation_cpu_ms: round((1000 * (last.cpuSeconds - first.cpuSeconds)) / rounds),
    slowest_group: slowest,
    slowest_ms: round(milliseconds(slowest)),
    graph_ms: round(milliseconds('lorikeet_graph')),
  };
}

const rows: Row[] = [];
for (const services of FLEETS) rows.push(await measure(services));
process.stdout.write(`${JSON.stringify(writeResults('rules', rows), null, 2)}\n`);
