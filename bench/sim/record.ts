import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../../daemon/flags.ts';
import { StopStack } from '../../daemon/lifecycle.ts';
import { DEFAULT_FAULT_TYPES } from '../../microsim/protocol/fault.ts';
import { planFaults } from '../../microsim/recording/fault-schedule.ts';
import { record } from '../../microsim/recording/recording.ts';
import type { Runtime } from '../../microsim/protocol/runtime.ts';
import { Processes } from '../../scripts/demo/processes.ts';
import { type RunningSim, startSim } from '../../scripts/demo/sim.ts';
import { startStack } from '../../scripts/demo/stack.ts';
import { type AppliedLoad, type PlannedLoad, planLoad } from './load-plan.ts';
import { PressureLog } from './pressure.ts';
import { type Recording, recordingPaths, writeRecording } from './recording.ts';

export interface RecordOptions {
  /** Directory for the history and its labels. */
  readonly folder: string;
  readonly runtime: Runtime;
  readonly seed: number;
  /** Milliseconds without faults, before those with faults. */
  readonly learningMs: number;
  readonly faultsMs: number;
  /** For the steps that stop everything at the end of the program. */
  readonly stops: StopStack;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Duration of a fault: seven minutes in real time. */
const FAULT_MS = 35_000;
/** Normal time after a fault: the longest window and the debounce, plus ten seconds. */
const RECOVERY_MS = 95_000;
const WARM_UP_MS = 15_000;
/** Started programs still compile their code, and rates need two scrapes. */
const SETTLE_MS = 30_000;
const STOP_TIMEOUT_MS = 60_000;
/** Far apart, so that load, faults and the simulation have independent random numbers. */
const SEEDS = { load: 1000, faults: 2000 } as const;
const CHECK_MS = 1000;
/** The minimum learning time of the shipped configuration, in demo time. */
export const LEARNING_MINIMUM_MS = 75_000;

/**
 * Runs the simulated shop with exporter and Prometheus, first without faults, then with faults of all types.
 *
 * @throws UsageError if the folder already has a recording
 */
export async function recordSession(options: RecordOptions): Promise<Recording> {
  const { folder, seed, learningMs, faultsMs, signal, say } = options;
  if (existsSync(recordingPaths(folder).prometheus)) throw new UsageError(`${folder}: already has a recording`);
  mkdirSync(folder, { recursive: true });
  const session = new StopStack();
  const ended = new AbortController();
  options.stops.onStop('recording', () => session.stop(STOP_TIMEOUT_MS));
  try {
    const sim = await startSim(folder, session, [`--seed=${seed}`, `--runtime=${options.runtime}`]);
    const processes = new Processes(folder);
    session.onStop('programs', () => processes.stop());
    await startStack({
      folder,
      processes,
      learningMs: LEARNING_MINIMUM_MS,
      targetsFile: sim.targetsFile,
      withoutScorer: true,
    });
    const load = planLoad(SETTLE_MS + learningMs + faultsMs, seed + SEEDS.load);
    const pressure = new PressureLog();
    const until = AbortSignal.any([signal, ended.signal]);
    const recording = await Promise.race([
      runFaults(sim, { ...options, signal: until }),
      varyLoad({ sim, processes, plan: load, pressure, file: recordingPaths(folder).load, signal: until }),
    ]);
    pressure.write(recordingPaths(folder).pressure);
    writeRecording(folder, recording);
    say(`recorded in ${folder}`);
    return recording;
  } finally {
    ended.abort();
    await session.stop(STOP_TIMEOUT_MS);
  }
}

/** Waits, first without and then with faults; resolves with the times. */
async function runFaults(sim: RunningSim, options: RecordOptions): Promise<Recording> {
  const { folder, runtime, seed, learningMs, faultsMs, signal, say } = options;
  await sleep(SETTLE_MS, undefined, { signal });
  const from = new Date();
  say(`${Math.round(learningMs / 1000)} s without faults, then ${Math.round(faultsMs / 1000)} s with some`);
  await sleep(learningMs, undefined, { signal });
  const faultsFrom = new Date();
  const plan = planFaults({
    duration: faultsMs,
    faults: undefined,
    faultDuration: FAULT_MS,
    recovery: RECOVERY_MS,
    warmup: WARM_UP_MS,
    seed: seed + SEEDS.faults,
    services: sim.services,
    types: DEFAULT_FAULT_TYPES,
  });
  const { namespace } = await sim.client.status();
  const labelsFile = recordingPaths(folder).labels;
  await record({ sim: sim.client, namespace, plan, duration: faultsMs, labelsFile, signal, progress: say });
  signal.throwIfAborted();
  const [begin, broken, end] = [from, faultsFrom, new Date()].map((time) => time.toISOString());
  return { seed, runtime, from: begin ?? '', faultsFrom: broken ?? '', to: end ?? '' };
}

interface VaryOptions {
  readonly sim: RunningSim;
  readonly processes: Processes;
  readonly plan: readonly PlannedLoad[];
  readonly pressure: PressureLog;
  /** The file for the times of faults. */
  readonly file: string;
  readonly signal: AbortSignal;
}

/** Applies the plan and never resolves. @throws Error if a program exits or `signal` aborts. */
async function varyLoad({ sim, processes, plan, pressure, file, signal }: VaryOptions): Promise<never> {
  const began = Date.now();
  const due = [...plan];
  const done: AppliedLoad[] = [];
  for (;;) {
    processes.check();
    pressure.sample();
    while ((due[0]?.at ?? Infinity) <= Date.now() - began) {
      const change = due.shift()?.change;
      if (change === undefined) continue;
      await sim.client.load(change);
      done.push({ time: new Date().toISOString(), ...change });
      writeFileSync(file, `${JSON.stringify(done, null, 2)}\n`);
    }
    await sleep(CHECK_MS, undefined, { signal });
  }
}
