import { readFileSync } from 'node:fs';
import { StopStack } from '../../daemon/lifecycle.ts';
import { readAlertTiming } from '../../scorer/backtest/alerts.ts';
import { backtest, type BacktestResult } from '../../scorer/backtest/backtest.ts';
import { readFaults } from '../../scorer/backtest/labels.ts';
import type { BacktestOptions } from '../../scorer/backtest/session.ts';
import { readScorerConfig, type ScorerConfig } from '../../scorer/config.ts';
import { type FeatureSet, parseFeatures } from '../../scorer/features/features.ts';
import type { TimeSpan } from '../../scorer/fleet/past.ts';
import type { PrometheusClient } from '../../scorer/prometheus/client.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { scaleYaml, TIME_SCALE } from '../../scripts/demo/time-scale.ts';
import { connect } from '../recorded/with-features.ts';
import { startOnCopy, startWithFeatures } from './prometheus.ts';
import { type Recording, readRecording, recordingPaths } from './recording.ts';

/** A recorded history, ready for queries. */
export interface RecordedHistory {
  readonly recording: Recording;
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly client: PrometheusClient;
  /** Time without faults. */
  readonly learning: TimeSpan;
  readonly window: TimeSpan;
}

/**
 * Runs `use` with a Prometheus that has the recorded history, and stops it afterwards. The features are the shipped
 * ones: if others were recorded, they are computed again from the raw series.
 */
export async function withHistory<T>(
  folder: string,
  stops: StopStack,
  use: (history: RecordedHistory) => Promise<T>,
): Promise<T> {
  const own = new StopStack();
  stops.onStop('replay', () => own.stop());
  try {
    const recording = readRecording(folder);
    const paths = recordingPaths(folder);
    const config = readScorerConfig(paths.scorer);
    const set = parseFeatures(SHIPPED_FEATURES, shippedFeatures());
    const [fromMs, faultsFromMs, toMs] = [recording.from, recording.faultsFrom, recording.to].map(Date.parse);
    const span = (from = NaN, to = NaN) => ({ fromMs: from, toMs: to });
    const window = span(fromMs, toMs);
    const rawUrl = await startOnCopy(paths.prometheus, own);
    const asRecorded = readFileSync(paths.features, 'utf8') === shippedFeatures();
    const url = asRecorded ? rawUrl : await startWithFeatures(rawUrl, set, window, config.interval, own);
    const { client, close } = connect(url);
    own.onStop('prometheus client', close);
    return await use({
      recording,
      config: { ...config, prometheus: { ...config.prometheus, url } },
      set,
      client,
      learning: span(fromMs, faultsFromMs),
      window,
    });
  } finally {
    await own.stop();
  }
}

/** In demo time. */
function shippedFeatures(): string {
  return scaleYaml(readFileSync(SHIPPED_FEATURES, 'utf8'), ['windows']);
}

export interface EvaluateOptions {
  /** Path of the base model; undefined: train one on the time without faults. */
  readonly model: string | undefined;
  /** Learn only from this time before the faults, in milliseconds. Default: all time without faults. */
  readonly learnedMs?: number;
  readonly seed: number;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
}

/** For training a base model if none is given. */
const NO_MODEL = '/nonexistent/base.onnx';

/** Learns from the time without faults and replays the rest, like `lorikeet-scorer backtest`. */
export async function evaluateSession(
  folder: string,
  stops: StopStack,
  options: EvaluateOptions,
): Promise<BacktestResult> {
  return withHistory(folder, stops, (history) => backtest(backtestOptions(folder, history, options)));
}

/** Options of a backtest on an open history. */
export function backtestOptions(
  folder: string,
  { config, set, client, learning, window }: RecordedHistory,
  { model, learnedMs = Infinity, seed, onProgress }: EvaluateOptions,
): BacktestOptions {
  const fromMs = Math.max(learning.fromMs, learning.toMs - learnedMs);
  const { forMs, evaluationMs } = readAlertTiming();
  return {
    config: { ...config, base_model: model ?? NO_MODEL },
    set,
    client,
    window: { fromMs, toMs: window.toMs },
    training: { fromMs, toMs: learning.toMs },
    faults: readFaults(recordingPaths(folder).labels),
    alertTiming: { forMs: forMs / TIME_SCALE, evaluationMs: evaluationMs / TIME_SCALE },
    seed,
    onProgress,
  };
}
