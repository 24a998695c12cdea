import { debounceOf, readAlertTiming } from '../../scorer/backtest/alerts.ts';
import { type BacktestOptions, openSession } from '../../scorer/backtest/session.ts';
import { type ConfiguredDetector, configuredDetectors } from '../../scorer/detectors/all.ts';
import { figuresOf } from './figures.ts';
import type { Method } from './methods/method.ts';
import { type Judged, judge } from './outcomes.ts';
import type { ResultRow } from './table.ts';

export interface EvaluationOptions {
  /** Number of seeds. */
  readonly count: number;
  /** Real time that a millisecond of the recording stands for. Default: 1. */
  readonly timeScale?: number;
}

/** What a method's replays of one recording were judged as. */
export interface JudgedMethod {
  readonly recording: string;
  readonly method: string;
  readonly title: string;
  /** False if it only ranks. */
  readonly detects: boolean;
  readonly seeds: readonly number[];
  /** By seed; one alone if the method doesn't depend on it. */
  readonly judged: readonly Judged[];
}

/** Replays methods on one recording: learns once for each seed, and replays those that depend on it for each. */
export async function judgeMethods(
  recording: string,
  options: BacktestOptions,
  wanted: readonly Method[],
  { count, timeScale = 1 }: EvaluationOptions,
): Promise<JudgedMethod[]> {
  const methods = [...wanted, ...configuredDetectors(options.config.detectors).map(asMethod)];
  const judged = new Map<string, Judged[]>(methods.map(({ name }) => [name, []]));
  const seeds = Array.from({ length: count }, (_, index) => index + 1);
  const { interval } = options.config;
  const debounce = debounceOf(options.alertTiming ?? readAlertTiming(), interval);
  for (const seed of seeds) {
    const session = await openSession({ ...options, seed });
    try {
      for (const { name, seeded, replay } of methods) {
        if (seed > 1 && seeded !== true) continue;
        const replayed = await replay(session, seed, options.set);
        judged.get(name)?.push(judge(replayed, session.faults, { intervalMs: interval, debounce, timeScale }));
      }
    } finally {
      await session.close();
    }
  }
  return methods.map(({ name, title, detects = true }) => {
    return { recording, method: name, title, detects, seeds, judged: judged.get(name) ?? [] };
  });
}

/** As `judgeMethods`, with the figures of each method. */
export async function evaluateMethods(...of: Parameters<typeof judgeMethods>): Promise<ResultRow[]> {
  return (await judgeMethods(...of)).map(rowOf);
}

export function rowOf({ judged, ...method }: JudgedMethod): ResultRow {
  return { ...method, ...figuresOf(judged) };
}

/** A detector beside the autoencoder; without what it needs to learn it finds nothing. */
function asMethod({ descriptor: { name } }: ConfiguredDetector): Method {
  const nothing = { scores: new Map(), rankings: new Map() };
  return {
    name,
    title: name,
    seeded: true,
    replay: (session) => {
      const detector = session.detectors.find((one) => one.name === name);
      return detector === undefined ? { steps: session.replayed.steps, ...nothing } : session.replayDetector(detector);
    },
  };
}
