import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CHANNELS, EDGE_SERIES, readFeatures, SERVICE_SERIES } from '../../scorer/features/features.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { startPrometheus } from '../../test/testserver/prometheus.ts';
import { startProxy } from '../../test/testserver/proxy.ts';

const MINUTE = 60_000;
const STEPS = 1440;
const END = Math.floor(Date.UTC(2024, 0, 2) / MINUTE) * MINUTE;
/** Number of callees of a service. */
const CALLEES = 3;

export interface LearningCost {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
  readonly queries: number;
}

/** The cost of `lorikeet-scorer train` for one day, with the shipped features, edges and base model. */
export async function learningCost(services: number): Promise<LearningCost> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  const prometheus = await startPrometheus({ history: history(services) });
  const proxy = await startProxy(prometheus.url);
  try {
    const config = join(folder, 'scorer.yaml');
    writeFileSync(config, `prometheus: { url: '${proxy.url}' }\noutput: metrics\nstate_dir: state\n`);
    const used = await run(['train', `--config.file=${config}`, `--to=${new Date(END).toISOString()}`]);
    return { ...used, queries: [...proxy.requests.values()].reduce((sum, count) => sum + count, 0) };
  } finally {
    await proxy.stop();
    await prometheus.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the program and reads its usage from /proc ten times per second; usage in its last 100 ms may be missed. */
async function run(args: readonly string[]): Promise<Omit<LearningCost, 'queries'>> {
  const started = performance.now();
  const child = spawn(process.execPath, [resolve('dist/lorikeet-scorer.js'), ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise<number | null>((done) => child.once('exit', done));
  let [cpuSeconds, peakMb] = [0, 0];
  const watch = setInterval(() => {
    const now = usage(child.pid ?? 0);
    if (now !== undefined) ({ cpuSeconds, peakMb } = now);
  }, 100);
  const status = await ended;
  clearInterval(watch);
  if (status !== 0) throw new Error(`lorikeet-scorer train exited with status ${String(status)}`);
  return { seconds: (performance.now() - started) / 1000, cpuSeconds, peakMb };
}

const TICKS_PER_SECOND = 100;

function usage(pid: number): { readonly cpuSeconds: number; readonly peakMb: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number);
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    if (peak === undefined) return undefined;
    return { cpuSeconds: ((user ?? 0) + (system ?? 0)) / TICKS_PER_SECOND, peakMb: Number(peak) / 1024 };
  } catch {
    return undefined;
  }
}

function* history(services: number): Generator<string> {
  const { features, edges } = readFeatures(SHIPPED_FEATURES);
  const random = new Random(1);
  const series = function* (name: string): Generator<string> {
    let text = '';
    for (let step = 0; step < STEPS; step++) {
      text += `${name} ${(10 * Math.exp(0.1 * random.normal())).toPrecision(6)} ${(END - (STEPS - 1 - step) * MINUTE) / 1000}\n`;
    }
    yield text;
  };
  for (let service = 0; service < services; service++) {
    for (const { name } of features) {
      for (const channel of CHANNELS) {
        yield* series(
          `${SERVICE_SERIES}{namespace="shop",service="s${service}",feature="${name}",channel="${channel}"}`,
        );
      }
    }
  }
  for (let client = 0; client < services; client++) {
    for (let server = client + 1; server <= client + CALLEES; server++) {
      for (const { name } of edges) {
        const ends = `client_namespace="shop",client_service="s${client}",server_namespace="shop",server_service="s${server % services}"`;
        yield* series(`${EDGE_SERIES}{${ends},feature="${name}"}`);
      }
    }
  }
  yield '# EOF\n';
}
