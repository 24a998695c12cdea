import { debounceOf, readAlertTiming } from '../../scorer/backtest/alerts.ts';
import { type BacktestOptions, openSession } from '../../scorer/backtest/session.ts';
import { type ConfiguredDetector, configuredDetectors } from '../../scorer/detectors/all.ts';
import { figuresOf } from './figures.ts';
import type { Method } from './methods/methods.ts';
import { type Judged, judge } from './outcomes.ts';
import type { ResultRow } from './table.ts';

export interface EvaluationOptions {
  /** Number of seeds. */
  readonly count: number;
  /** Real time that a millisecond of the recording stands for. Default: 1. */
  readonly timeScale?: number;
}

/** Evaluates methods on one recording: learns once for each seed, and replays those that depend on it for each. */
export async function evaluateMethods(
  recording: string,
  options: BacktestOptions,
  wanted: readonly Method[],
  { count, timeScale = 1 }: EvaluationOptions,
): Promise<ResultRow[]> {
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
        judged
          .get(name)
          ?.push(judge(await replay(session, seed), session.faults, { intervalMs: interval, debounce, timeScale }));
      }
    } finally {
      await session.close();
    }
  }
  return methods.map(({ name, title, detects = true }) => ({
    recording,
    method: name,
    title,
    detects,
    seeds,
    ...figuresOf(judged.get(name) ?? []),
  }));
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
