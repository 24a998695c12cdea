import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import type { BacktestOptions } from '../../scorer/backtest/backtest.ts';
import { graceMs } from '../../scorer/backtest/figures.ts';
import { faultsOf } from '../../scorer/backtest/labels.ts';
import { readScorerConfig, type ScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features.ts';
import { readFolder, timeRange } from './folder.ts';
import { NAMESPACE } from './open-metrics.ts';
import { connect, type RecordingOptions, startWithFeatures } from './recording.ts';
import { trainingTime } from './training-time.ts';

/** Rows are a minute apart; a fault lasts a few of them, so the tensor looks back five. */
const INTERVAL_MS = 60_000;
const STEPS = [0, 1, 2, 3, 4];

/** Starts a Prometheus with the recording in the folder `path`; what a backtest of it is given. */
export async function openRecording(
  path: string,
  featuresFile: string,
  stops: StopStack,
  onProgress: RecordingOptions['onProgress'],
): Promise<BacktestOptions> {
  const folder = readFolder(resolve(path));
  const set = readFeatures(featuresFile);
  const { firstMs, lastMs } = timeRange(folder.pods);
  const span = {
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
  const training = trainingTime(span, faults, graceMs(set.windows.at(-1) ?? 0, INTERVAL_MS), INTERVAL_MS);

  const prometheus = await startWithFeatures(folder, { set, span, intervalMs: INTERVAL_MS, stops, onProgress });
  const { client, close } = connect(prometheus.url);
  stops.onStop('prometheus client', close);
  const config = scorerConfig(prometheus.url, stops);
  return { config, set, client, window: span, training, faults };
}

/** The scorer's own configuration file, so that nothing is set here that a user couldn't set. */
function scorerConfig(url: string, stops: StopStack): ScorerConfig {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  stops.onStop('configuration', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'scorer.yaml');
  writeFileSync(
    file,
    JSON.stringify({ prometheus: { url }, output: 'metrics', interval: `${INTERVAL_MS / 1000}s`, steps: STEPS }),
  );
  return readScorerConfig(file);
}
