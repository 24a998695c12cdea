import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { runCommand } from '../../microsim/controller/run-command.ts';
import { waitFor } from '../../microsim/protocol/condition.ts';
import type { FeatureSet } from '../../scorer/features/features.ts';
import type { TimeSpan } from '../../scorer/fleet/past.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { Processes } from '../../scripts/demo/processes.ts';
import { freePort } from '../../scripts/free-port.ts';

const READY_TIMEOUT_MS = 60_000;
/** More than windows and lookback of the first steps. */
const BEFORE_MS = 60_000;

/**
 * Starts a Prometheus on a copy of recorded data, so that the data can be replayed any number of times.
 *
 * @returns its address
 */
export async function startOnCopy(data: string, stops: StopStack): Promise<string> {
  const folder = temporaryFolder(stops);
  cpSync(data, join(folder, 'data'), { recursive: true });
  return start(folder, stops);
}

/**
 * Starts a Prometheus with the features of `set`, computed from the raw series in another one, as if its recording
 * rules had always been these.
 *
 * @returns its address
 */
export async function startWithFeatures(
  rawUrl: string,
  set: FeatureSet,
  { fromMs, toMs }: TimeSpan,
  intervalMs: number,
  stops: StopStack,
): Promise<string> {
  const folder = temporaryFolder(stops);
  const rules = join(folder, 'features.rules.yaml');
  writeFileSync(rules, renderRecordingRules(set, { intervalMs }));
  mkdirSync(join(folder, 'data'));
  const step = (timeMs: number) => (Math.ceil(timeMs / intervalMs) * intervalMs) / 1000;
  await runCommand('promtool', [
    'tsdb',
    'create-blocks-from',
    'rules',
    `--start=${step(fromMs - BEFORE_MS)}`,
    `--end=${step(toMs)}`,
    `--eval-interval=${intervalMs / 1000}s`,
    `--url=${rawUrl}`,
    `--output-dir=${join(folder, 'data')}`,
    rules,
  ]);
  return start(folder, stops);
}

function temporaryFolder(stops: StopStack): string {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-replay-'));
  stops.onStop('copy of the history', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts a Prometheus on `data` in the folder. */
async function start(folder: string, stops: StopStack): Promise<string> {
  writeFileSync(join(folder, 'prometheus.yml'), 'global: {}\n');
  const processes = new Processes(folder);
  stops.onStop('prometheus', () => processes.stop());
  const port = await freePort();
  processes.start('prometheus', 'prometheus', [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    // Regardless of the age of the recording.
    '--storage.tsdb.retention.time=50y',
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ]);
  const url = `http://127.0.0.1:${port}`;
  const ready = await waitFor(() => {
    processes.check();
    return fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  }, READY_TIMEOUT_MS);
  if (ready === undefined) throw new Error(`prometheus: not ready after ${READY_TIMEOUT_MS / 1000} s`);
  return url;
}
