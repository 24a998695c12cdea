import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger } from '../../daemon/logger.ts';
import { ScorerApp } from '../../scorer/app.ts';
import { readScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { openRestingMemory } from '../../scorer/cycle/memory.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { median } from '../../scorer/numeric/statistics.ts';
import { round } from '../statistics.ts';

/** A request to the scorer's process: score the steps from `from` to `to`, inclusive. */
export interface CycleOrder {
  readonly from: number;
  readonly to: number;
}

/** Selects whether the scorer releases memory between its cycles, as in the product, or leaves it to V8 and the C library. */
export type MemoryCare = 'given back' | 'left alone';

/**
 * Figures of one order: medians over its cycles, except for CPU time (the mean) and memory (at rest after the last
 * cycle). `file_mb` is the part of `rss_mb` in pages of program and libraries, `heap_mb` that of live JavaScript
 * objects, `buffers_mb` that of their buffers.
 */
export interface CycleFigures {
  readonly cycle_ms: number;
  readonly query_ms: number;
  readonly encode_ms: number;
  readonly inference_ms: number;
  readonly rank_ms: number;
  readonly write_ms: number;
  readonly cpu_ms: number;
  readonly rss_mb: number;
  readonly file_mb: number;
  readonly heap_mb: number;
  readonly buffers_mb: number;
  /** Peak of the process. */
  readonly rss_mb_peak: number;
  readonly failed: number;
}

/** Time to settle: even at rest, timers run and some released pages come back. */
const REST_MS = 2000;
const PHASES = ['query', 'encode', 'inference', 'rank', 'write'] as const;

/** The scorer in its own process, which scores on request. */
export class Subject {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = failure(child);
    // Awaited only during an order.
    this.#ended.catch(() => undefined);
  }

  static async start(program: string, configFile: string, memory: MemoryCare): Promise<Subject> {
    const child = fork(program, ['subject', configFile, memory]);
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
  throw new Error(`the scorer's process exited with status ${String(status)}`);
}

/** Runs in the child process: the complete scorer except for its clock. */
export async function serveCycles(configFile: string, memory: MemoryCare): Promise<void> {
  const logger = createLogger({ level: 'warn' });
  const config = readScorerConfig(configFile);
  const app = new ScorerApp({
    config,
    set: readFeatures(config.features_file ?? SHIPPED_FEATURES),
    logger,
    memory: memory === 'given back' ? openRestingMemory(logger) : undefined,
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
  await pause(REST_MS);
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
    ...memoryAtRest(),
    failed,
  };
}

function memoryAtRest(): Pick<CycleFigures, 'rss_mb' | 'file_mb' | 'heap_mb' | 'buffers_mb' | 'rss_mb_peak'> {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const status = readFileSync('/proc/self/status', 'utf8');
  const statusMb = (field: string) =>
    round(Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) / 2 ** 10);
  return {
    rss_mb: round(rss / 2 ** 20),
    file_mb: statusMb('RssFile'),
    heap_mb: round(heapUsed / 2 ** 20),
    buffers_mb: round(arrayBuffers / 2 ** 20),
    rss_mb_peak: statusMb('VmHWM'),
  };
}

/** Seconds in each phase since the start, from the scorer's metrics. */
async function phaseSums({ metrics }: ScorerApp): Promise<Map<string, number>> {
  const { values } = await metrics.cycleDuration.get();
  const sums = values.filter(({ metricName }) => metricName?.endsWith('_sum') === true);
  return new Map(sums.map(({ labels, value }) => [String(labels['phase']), value]));
}
