import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createLogger } from '../../daemon/logger.ts';
import { ScorerApp } from '../../scorer/app.ts';
import { readScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features.ts';
import { SHIPPED_FEATURES } from '../../scorer/models.ts';
import { keepYoungGenerationSmall } from '../../scorer/memory.ts';
import { median } from '../../scorer/statistics.ts';
import { round } from '../statistics.ts';

/** What the scorer's process is asked for: the cycles of the steps from `from` to `to`, both included. */
export interface CycleOrder {
  readonly from: number;
  readonly to: number;
}

/** Of one order: medians over its cycles, but processor time, which is the mean, and memory, which is at the end. */
export interface CycleFigures {
  readonly cycle_ms: number;
  readonly query_ms: number;
  readonly encode_ms: number;
  readonly inference_ms: number;
  readonly rank_ms: number;
  readonly write_ms: number;
  readonly cpu_ms: number;
  readonly rss_mb: number;
  readonly failed: number;
}

const PHASES = ['query', 'encode', 'inference', 'rank', 'write'] as const;

/** The scorer in a process of its own, told when to score which step. */
export class Subject {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = failure(child);
    // Awaited only while an order is under way.
    this.#ended.catch(() => undefined);
  }

  static async start(program: string, configFile: string, nodeFlags: readonly string[]): Promise<Subject> {
    const child = fork(program, ['subject', configFile], { execArgv: [...nodeFlags] });
    await once(child, 'message');
    return new Subject(child);
  }

  async run(order: CycleOrder): Promise<CycleFigures> {
    this.#child.send(order);
    const answer = new Promise<CycleFigures>((resolve) => this.#child.once('message', resolve));
    return await Promise.race([answer, this.#ended]);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

async function failure(child: ChildProcess): Promise<never> {
  const status = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  throw new Error(`the scorer's process ended with status ${String(status)}`);
}

/** The child's side: the whole scorer but for its clock. */
export async function serveCycles(configFile: string): Promise<void> {
  keepYoungGenerationSmall();
  const config = readScorerConfig(configFile);
  const app = new ScorerApp({
    config,
    set: readFeatures(config.features_file ?? SHIPPED_FEATURES),
    logger: createLogger({ level: 'warn' }),
    listenAddress: '127.0.0.1:0',
    learnCommand: [process.execPath, '--version'],
  });
  await app.open();
  process.on('message', (order: CycleOrder) => void measure(app, order).then((figures) => process.send?.(figures)));
  process.send?.('ready');
}

async function measure(app: ScorerApp, { from, to }: CycleOrder): Promise<CycleFigures> {
  const of = Object.fromEntries([...PHASES, 'cycle'].map((phase) => [phase, [] as number[]]));
  const cpu = process.cpuUsage();
  let before = await phaseSums(app);
  for (let step = from; step <= to; step++) {
    const started = performance.now();
    await app.cycle(step);
    of['cycle']?.push(performance.now() - started);
    await app.rest();
    const after = await phaseSums(app);
    for (const phase of PHASES) of[phase]?.push(1000 * ((after.get(phase) ?? 0) - (before.get(phase) ?? 0)));
    before = after;
  }
  const { user, system } = process.cpuUsage(cpu);
  const typical = (phase: string) => round(median(of[phase] ?? []));
  const failed = (await app.metrics.cyclesFailed.get()).values[0]?.value ?? 0;
  return {
    cycle_ms: typical('cycle'),
    query_ms: typical('query'),
    encode_ms: typical('encode'),
    inference_ms: typical('inference'),
    rank_ms: typical('rank'),
    write_ms: typical('write'),
    cpu_ms: round((user + system) / 1000 / (to - from + 1)),
    rss_mb: round(process.memoryUsage.rss() / 2 ** 20),
    failed,
  };
}

/** Seconds spent in each phase since the start, from the scorer's own metrics. */
async function phaseSums({ metrics }: ScorerApp): Promise<Map<string, number>> {
  const { values } = await metrics.cycleDuration.get();
  const sums = values.filter(({ metricName }) => metricName?.endsWith('_sum') === true);
  return new Map(sums.map(({ labels, value }) => [String(labels['phase']), value]));
}
