import type { StopStack } from '../../daemon/lifecycle.ts';
import { lstmAutoencoder } from '../../scorer/detectors/lstm-autoencoder/descriptor.ts';
import { detectorsSchema } from '../../scorer/detectors/settings.ts';
import { parseFeatures, POD_SERIES } from '../../scorer/features/features.ts';
import { fetchSelected } from '../../scorer/fleet/past.ts';
import { stepsBetween } from '../../scorer/fleet/steps.ts';
import { Identity } from '../../scorer/identity/identity.ts';
import { instanceName } from '../../scorer/identity/service-key.ts';
import { connect } from '../recorded/with-features.ts';
import { startOnCopy } from '../sim/prometheus.ts';
import { pastOfFleet } from './past.ts';
import { readRecordedFeatures, readRecording, recordingPaths } from './recording.ts';
import { percent, range, renderRows, type Table } from './results.ts';

export interface ContainerMetricsOptions {
  readonly seeds: number;
  readonly intervalMs: number;
  readonly stops: StopStack;
  readonly say: (line: string) => void;
}

/** De Silva et al.: on average, and by pod. */
const PAPER = '1.16 % (0 to 10.83 % by pod)';

/** Share of the windows of fault-free time that `lstm_autoencoder` finds anomalous, by pod. */
export async function containerMetrics(folder: string, options: ContainerMetricsOptions): Promise<Table> {
  const { seeds, intervalMs, stops, say } = options;
  const recording = readRecording(folder);
  const set = parseFeatures('features.yaml', readRecordedFeatures(folder));
  const { lstm_autoencoder: settings } = detectorsSchema.parse({ lstm_autoencoder: {} });
  if (settings === undefined) throw new Error('lstm_autoencoder has no settings');
  const { client, close } = connect(await startOnCopy(recordingPaths(folder).prometheus, stops));
  stops.onStop('prometheus client', close);
  const { fromMs, normalFromMs, faultsFromMs } = recording;
  const config = {
    interval: intervalMs,
    steps: [0],
    shard: { index: 0, count: 1 },
    identity: new Identity(),
    prometheus: { matchers: '' },
  };
  const span = { fromMs, toMs: faultsFromMs };
  const fleet = await fetchSelected({ client, set, config }, span, { pods: [POD_SERIES] });
  const step = (timeMs: number) => Math.floor(timeMs / intervalMs);
  const training = { from: step(fromMs) + 1, to: step(normalFromMs) };
  const runs: ReadonlyMap<string, number>[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    say(`container metrics, seed ${seed}`);
    const past = pastOfFleet(set, fleet, { ...training, minSteps: settings.window, seed });
    const detector = await lstmAutoencoder.open(await lstmAutoencoder.learn(past, settings), settings, set);
    const counts = new Map<string, { windows: number; found: number }>();
    // No window has a step that was trained on.
    for (const at of stepsBetween(training.to + settings.window, step(faultsFromMs))) {
      for (const { key, score } of await detector.score({ set, fleet }, at)) {
        const { windows, found } = counts.get(key) ?? { windows: 0, found: 0 };
        counts.set(key, { windows: windows + 1, found: found + (score > 1 ? 1 : 0) });
      }
    }
    await detector.close();
    runs.push(new Map([...counts].map(([key, { windows, found }]) => [key, found / windows])));
  }
  const pods = [...new Set(runs.flatMap((run) => [...run.keys()]))].sort();
  const mean = (run: ReadonlyMap<string, number>) => [...run.values()].reduce((a, b) => a + b, 0) / run.size;
  const render = (value: number) => percent(value, 2);
  const rows = [
    ['all pods, mean', PAPER, range(runs.map(mean), render)],
    ...pods.map((key) => [
      instanceName(key).instance,
      '',
      range(
        runs.flatMap((run) => run.get(key) ?? []),
        render,
      ),
    ]),
  ];
  const minutes = (milliseconds: number) => (milliseconds / 60_000).toFixed(1);
  return {
    name: 'container metrics',
    markdown:
      `False positives of \`lstm_autoencoder\`: share of the fault-free windows that it finds anomalous, container ` +
      `metrics of the simulated shop in steps of ${intervalMs / 1000} s, trained on ${minutes(normalFromMs - fromMs)} ` +
      `minutes, tested on the next ${minutes(faultsFromMs - normalFromMs)}. Range over ${seeds} training seeds.\n\n` +
      renderRows(['pod', 'paper', 'measured'], rows),
  };
}
