import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { readAlertTiming } from '../../scorer/backtest/alerts.ts';
import { graceMs } from '../../scorer/backtest/figures.ts';
import type { BacktestOptions } from '../../scorer/backtest/session.ts';
import { readScorerConfig, type ScorerConfig } from '../../scorer/config.ts';
import type { TimeSpan } from '../../scorer/fleet/past.ts';
import { TIME_SCALE } from '../../scripts/demo/time-scale.ts';
import { backtestOptions, withHistory } from '../sim/evaluate.ts';
import { isRecording as isSimulated } from '../sim/recording.ts';
import { readRecording, recordedMetrics, type Recording } from './recording.ts';
import { TRAINING_SHARE, trainingTime } from './training-time.ts';
import { connect, startWithFeatures } from './with-features.ts';

export interface OpenOptions {
  readonly path: string;
  /** Leaves out the figures of calls and the call graph. */
  readonly withoutEdges?: boolean;
  /** Share of the fault-free time for learning; the rest is for false alarms. */
  readonly trainingShare?: number;
  /** Path of a features file in place of the recording's own. */
  readonly features?: string | undefined;
  /** `detectors` of scorer.yaml. Default: its default. */
  readonly detectors?: object | undefined;
  readonly stops: StopStack;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
}

const MINUTE_MS = 60_000;

/** Starts a Prometheus with the features of a recording, and returns the options of a backtest on it. */
export async function openRecording({
  path,
  withoutEdges = false,
  trainingShare = TRAINING_SHARE,
  features,
  detectors,
  stops,
  onProgress,
}: OpenOptions): Promise<BacktestOptions> {
  const folder = resolve(path);
  const recording = readRecording(folder, features);
  const { set, intervalMs, faults } = recording;
  const window = await recordedTime(folder, intervalMs);
  const grace = graceMs(set.windows.at(-1) ?? 0, intervalMs);
  const training = trainingTime(window, faults, trainingShare, grace, intervalMs);
  const metrics = recordedMetrics(folder, withoutEdges);
  const withPods = detectors !== undefined;
  const url = await startWithFeatures(metrics, { set, span: window, intervalMs, withPods, stops, onProgress });
  const { client, close } = connect(url);
  stops.onStop('prometheus client', close);
  const config = scorerConfig(url, recording, detectors, stops);
  return { config, set, client, window, training, faults, alertTiming: alertTiming(intervalMs), onProgress };
}

/** The first and the last step with a sample. */
async function recordedTime(folder: string, intervalMs: number): Promise<TimeSpan> {
  let [first, last] = [Infinity, -Infinity];
  for await (const line of recordedMetrics(folder)) {
    if (line.startsWith('#')) continue;
    const timeMs = Number(line.slice(line.lastIndexOf(' ', line.length - 2))) * 1000;
    if (timeMs < first) first = timeMs;
    if (timeMs > last) last = timeMs;
  }
  const step = (timeMs: number) => Math.ceil(timeMs / intervalMs) * intervalMs;
  return { fromMs: step(first), toMs: step(last) };
}

/** The alert of the shipped rules waits for two cycles, of whatever interval the recording has. */
function alertTiming(intervalMs: number) {
  const { forMs, evaluationMs } = readAlertTiming();
  const scale = intervalMs / MINUTE_MS;
  return { forMs: forMs * scale, evaluationMs: evaluationMs * scale };
}

/**
 * A configuration file of the scorer, so that only settings available to users are used. Only the interval may be longer
 * than it allows.
 */
function scorerConfig(
  url: string,
  { intervalMs, steps }: Recording,
  detectors: object | undefined,
  stops: StopStack,
): ScorerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  stops.onStop('configuration', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'scorer.yaml');
  writeFileSync(file, JSON.stringify({ prometheus: { url }, output: 'metrics', steps, detectors }));
  return { ...readScorerConfig(file), interval: intervalMs };
}

/**
 * Runs `use` with the options of a backtest on a recording, or on a history kept by `npm run bench -- sim`.
 *
 * @returns its result; `use` also gets the real time that a millisecond of the recording stands for
 */
export async function withRecording<T>(
  options: OpenOptions,
  use: (opened: BacktestOptions, timeScale: number) => Promise<T>,
): Promise<T> {
  const { path, stops, onProgress } = options;
  if (!isSimulated(path)) return await use(await openRecording(options), 1);
  return await withHistory(path, stops, (history) =>
    use(backtestOptions(path, history, { model: undefined, seed: 1, onProgress }), TIME_SCALE),
  );
}
