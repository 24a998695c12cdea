import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../scorer/numeric/random.ts';
import type { RunningProgram } from '../running-program.ts';
import { until } from '../until.ts';

/** Something that may happen to a running program at any moment. */
export type Happening = (program: RunningProgram, random: Random) => void | Promise<void>;

/** A program, and what may happen to it. */
export interface Contestant {
  readonly name: string;
  readonly happenings: Readonly<Record<string, Happening>>;
  /** What a program may say at the levels warn and error while all this happens. */
  readonly mayLog: RegExp;
  /** Starts it and waits until it listens. */
  start(): Promise<RunningProgram>;
  /** Starts it without waiting. */
  launch(): RunningProgram;
  /** Gives it a last valid configuration, and waits until that one is in use. */
  settle(program: RunningProgram): Promise<void>;
  /** Called after each end of the program. @throws Error if it has left anything behind */
  afterEnd?(): void | Promise<void>;
}

export interface RaceOptions {
  readonly times: number;
  readonly seed: number;
  /** Default: forever. */
  readonly maxMs?: number;
}

/** What happened. */
export interface RaceReport {
  times: number;
  happenings: number;
  /** Programs that were told to stop: while things happened, and during their start. */
  stops: number;
  earlyStops: number;
}

/** Things that happen at once, and the time within which they do, milliseconds. */
const MOST_AT_ONCE = 8;
const SPAN_MS = 400;
/** How often the program is told to stop in the middle of it, and how often before it listens, of its starts. */
const STOPS = 1 / 15;
const EARLY_STOPS = 1 / 2;
const START_MS = 2500;
/**
 * File descriptors that come and go: an examination has twenty connections at a time, a training process three pipes. A
 * program lives long enough for one that each reload leaves behind to exceed this; test/soak looks for slower growth.
 */
const SPARE_DESCRIPTORS = 25;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Lets things happen to a program at random moments, `times` times. After each it must run and have the last
 * configuration, or have ended with status 0; its file descriptors, kernel objects among them, must not grow in number.
 *
 * @throws Error naming the seed, the time, what happened, and the end of the log
 */
export async function race(
  contestant: Contestant,
  { times, seed, maxMs = Infinity }: RaceOptions,
): Promise<RaceReport> {
  const report: RaceReport = { times: 0, happenings: 0, stops: 0, earlyStops: 0 };
  const deadline = performance.now() + maxMs;
  let program: RunningProgram | undefined;
  let descriptors = Infinity;
  try {
    for (let time = 0; time < times && performance.now() < deadline; time++) {
      const random = new Random(seed * 1_000_003 + time);
      if (program === undefined) {
        if (random.uniform() < EARLY_STOPS) {
          await stopEarly(contestant, random);
          report.earlyStops++;
        }
        program = await contestant.start();
        await contestant.settle(program);
        descriptors = openFiles(program.pid);
      }
      const names = choose(Object.keys(contestant.happenings), random);
      const signal = random.uniform() < STOPS ? STOP_SIGNALS[Math.floor(random.uniform() * 2)] : undefined;
      try {
        await together(contestant, program, { names, signal, random });
        if (signal === undefined) await afterwards(contestant, program, descriptors);
        else await end(contestant, program);
        checkLog(contestant, program.log);
      } catch (error) {
        const what = [...names, ...(signal === undefined ? [] : [signal])].join(', ');
        const log = program.log.slice(-30).join('\n');
        throw new Error(`seed ${seed}, time ${time}: after ${what}: ${(error as Error).message}\n${log}`, {
          cause: error,
        });
      }
      report.times++;
      report.happenings += names.length;
      if (signal === undefined) continue;
      report.stops++;
      program = undefined;
    }
    return report;
  } finally {
    await program?.kill();
    await contestant.afterEnd?.();
  }
}

function choose(names: readonly string[], random: Random): readonly string[] {
  const count = 2 + Math.floor(random.uniform() * (MOST_AT_ONCE - 1));
  return Array.from({ length: count }, () => names[Math.floor(random.uniform() * names.length)] ?? '');
}

interface Moment {
  readonly names: readonly string[];
  readonly signal: NodeJS.Signals | undefined;
  readonly random: Random;
}

/** Lets all of it happen, each at a random moment. */
async function together(
  { happenings }: Contestant,
  program: RunningProgram,
  { names, signal, random }: Moment,
): Promise<void> {
  const happened = names.map(async (name) => {
    await sleep(random.uniform() * SPAN_MS);
    try {
      await happenings[name]?.(program, random);
    } catch (error) {
      // Who asks a program that ends gets no answer.
      if (signal === undefined) throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    }
  });
  if (signal !== undefined) {
    happened.push(sleep(random.uniform() * SPAN_MS).then(() => program.signal(signal)));
  }
  await Promise.all(happened);
}

async function afterwards(contestant: Contestant, program: RunningProgram, descriptors: number): Promise<void> {
  await contestant.settle(program);
  const health = await fetch(`${program.url}/-/healthy`, { headers: { connection: 'close' } });
  if (health.status !== 200 || program.ended() !== undefined)
    throw new Error(`health ${health.status}, ended ${program.ended()}`);
  let now = 0;
  await until(
    `at most ${descriptors} and ${SPARE_DESCRIPTORS} open files`,
    () => (now = openFiles(program.pid)) <= descriptors + SPARE_DESCRIPTORS,
    {
      timeoutMs: 20_000,
      seen: () => `, now ${now}`,
    },
  );
}

async function end(contestant: Contestant, program: RunningProgram): Promise<void> {
  await until('the end', () => program.ended() !== undefined, { timeoutMs: 30_000 });
  if (program.ended() !== 0) throw new Error(`ended with ${program.ended()}`);
  await contestant.afterEnd?.();
}

/** A program that is told to stop before it listens ends by the signal, or stops in order. */
async function stopEarly(contestant: Contestant, random: Random): Promise<void> {
  const started = contestant.launch();
  const waitMs = random.uniform() * START_MS;
  await sleep(waitMs);
  started.signal('SIGTERM');
  const status = await started.exited;
  if (![0, 143, 'SIGTERM'].includes(status))
    throw new Error(`told to stop after ${waitMs.toFixed(0)} ms: ${status}\n${started.log.join('\n')}`);
  checkLog(contestant, started.log);
  await contestant.afterEnd?.();
}

function checkLog({ mayLog, name }: Contestant, log: readonly string[]): void {
  const isReport = (line: string) => line.startsWith(`lorikeet-${name}: stopped by SIG`);
  const unexpected = log.filter(
    (line) => !isReport(line) && (!line.startsWith('ts=') || (/level=(warn|error)/.test(line) && !mayLog.test(line))),
  );
  if (unexpected.length > 0) throw new Error(`logged ${unexpected.slice(0, 3).join('\n')}`);
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
