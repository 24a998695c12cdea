import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { waitFor } from '../../microsim/condition.ts';
import { freePort, Processes } from '../../scripts/demo/processes.ts';
import { recordingPaths } from './recording.ts';

const READY_TIMEOUT_MS = 60_000;

/**
 * Starts a Prometheus on a copy of a recorded history, which so can be replayed any number of times.
 *
 * @returns its address
 */
export async function startOnCopy(folder: string, stops: StopStack): Promise<string> {
  const copy = mkdtempSync(join(tmpdir(), 'lorikeet-replay-'));
  stops.onStop('copy of the history', () => rmSync(copy, { recursive: true, force: true }));
  cpSync(recordingPaths(folder).prometheus, join(copy, 'data'), { recursive: true });
  writeFileSync(join(copy, 'prometheus.yml'), 'global: {}\n');
  const processes = new Processes(copy);
  stops.onStop('prometheus', () => processes.stop());
  const port = await freePort();
  processes.start('prometheus', 'prometheus', [
    `--config.file=${join(copy, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(copy, 'data')}`,
    // However old the recording is.
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
