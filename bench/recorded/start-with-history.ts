import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { runCommand } from '../../microsim/controller/run-command.ts';
import { startOnCopy } from '../sim/prometheus.ts';

/** Of a block: promtool reads the whole text again for each one, so that few large ones are quickest. */
const MAX_BLOCK = '486h';
/** Characters of a part to write: each costs a system call and two turns of the event loop. */
const PART_LENGTH = 2 ** 20;

/**
 * Starts a Prometheus with past samples.
 *
 * @param history OpenMetrics text in parts, with its end
 * @returns its address
 */
export async function startWithHistory(
  history: Iterable<string> | AsyncIterable<string>,
  stops: StopStack,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-history-'));
  try {
    const [text, data] = [join(folder, 'history.om'), join(folder, 'data')];
    await writeFile(text, inLargeParts(history));
    mkdirSync(data);
    await runCommand('promtool', [
      'tsdb',
      'create-blocks-from',
      'openmetrics',
      `--max-block-duration=${MAX_BLOCK}`,
      text,
      data,
    ]);
    return await startOnCopy(data, stops);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function* inLargeParts(parts: Iterable<string> | AsyncIterable<string>): AsyncGenerator<string> {
  let large = '';
  for await (const part of parts) {
    large += part;
    if (large.length < PART_LENGTH) continue;
    yield large;
    large = '';
  }
  yield large;
}
