import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { graceMs } from '../../scorer/backtest/figures.ts';
import { faultsOf } from '../../scorer/backtest/labels.ts';
import type { BacktestOptions } from '../../scorer/backtest/session.ts';
import { readScorerConfig, type ScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { type Folder, readFolder, timeRange } from './folder.ts';
import { NAMESPACE } from './open-metrics.ts';
import { connect, startWithFeatures } from './recording.ts';
import { TRAINING_SHARE, trainingTime } from './training-time.ts';

export interface RecordingOptions {
  readonly path: string;
  readonly featuresFile: string;
  /** Ignores the features of edges. */
  readonly withoutEdges?: boolean;
  /** Share of the fault-free time for learning; the rest is for false alarms. */
  readonly trainingShare?: number;
  /** `detectors` of scorer.yaml. Default: its default. */
  readonly detectors?: object | undefined;
  readonly stops: StopStack;
  readonly onProgress: (phase: string, share: number, detail: string) => void;
}

/** Rows are one minute apart and faults last a few minutes, so the tensor has five steps. */
const INTERVAL_MS = 60_000;
const STEPS = [0, 1, 2, 3, 4];

/** Starts a Prometheus with the features of a recorded folder, and returns the options of a backtest on it. */
export async function openRecording({
  path,
  featuresFile,
  withoutEdges = false,
  trainingShare = TRAINING_SHARE,
  detectors,
  stops,
  onProgress,
}: RecordingOptions): Promise<BacktestOptions> {
  const recorded = readFolder(resolve(path));
  const folder: Folder = withoutEdges ? { ...recorded, edges: [] } : recorded;
  const set = readFeatures(featuresFile);
  const { firstMs, lastMs } = timeRange(folder.pods);
  const window = {
    fromMs: Math.ceil(firstMs / INTERVAL_MS) * INTERVAL_MS,
    toMs: Math.ceil(lastMs / INTERVAL_MS) * INTERVAL_MS,
  };
  const faults = faultsOf(
    folder.faults.map(({ startMs, service, type }) => ({
      start: new Date(startMs).toISOString(),
      namespace: NAMESPACE,
      service,
      type,
    })),
  );
  const grace = graceMs(set.windows.at(-1) ?? 0, INTERVAL_MS);
  const training = trainingTime(window, faults, trainingShare, grace, INTERVAL_MS);
  const prometheus = await startWithFeatures(folder, { set, span: window, intervalMs: INTERVAL_MS, stops, onProgress });
  const { client, close } = connect(prometheus.url);
  stops.onStop('prometheus client', close);
  return { config: scorerConfig(prometheus.url, detectors, stops), set, client, window, training, faults, onProgress };
}

/** A configuration file of the scorer, so that only settings available to users are used. */
function scorerConfig(url: string, detectors: object | undefined, stops: StopStack): ScorerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  stops.onStop('configuration', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'scorer.yaml');
  writeFileSync(
    file,
    JSON.stringify({
      prometheus: { url },
      output: 'metrics',
      interval: `${INTERVAL_MS / 1000}s`,
      steps: STEPS,
      detectors,
    }),
  );
  return readScorerConfig(file);
}
