/**
 * Measures the exporter's start until it listens: with every program, and with some refused. Also measures alternative
 * ways to load an object with refused programs.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BpfObject, defaultObjectPath } from '../../../native/index.ts';
import { compileShim, refusal } from '../../../test/kernel/refusals/shim.ts';
import type { Command } from '../site/child.ts';
import { rowsOf, type Row } from '../results.ts';
import { Subject } from '../subjects/subject.ts';

const ROUNDS = 9;
const REFUSED = {
  'one program refused': ['adopt_sockets'],
  'seven programs refused': [
    'adopt_sockets',
    'read_accept_queues',
    'page_fault_user',
    'block_rq_issue',
    'tcp_retransmit_skb',
    'tcp_send_reset',
    'sched_process_exec',
  ],
} as const;

/** By the refused programs; undefined is none. Each round measures all, in turn. */
async function measureStarts(shim: string): Promise<readonly Row[]> {
  const exporter = [path.resolve('dist/lorikeet-exporter.js'), '--web.listen-address=127.0.0.1:0'];
  const cases = new Map<string | undefined, readonly string[]>([[undefined, []], ...Object.entries(REFUSED)]);
  const points = new Map([...cases.keys()].map((name) => [name, [] as number[]]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, programs] of cases) {
      const rules = programs.map((program) => refusal('load', program, 'EPERM')).join(',');
      const command: Command = ['env', `LD_PRELOAD=${shim}`, `LORIKEET_REFUSE=${rules}`, ...exporter];
      const started = performance.now();
      const subject = await Subject.start(command);
      points.get(name)?.push(performance.now() - started);
      await subject.stop();
    }
  }
  return rowsOf('start until it listens', 'ms', points);
}

/** Opens the exporter's object without some programs and closes it. */
function load(without: readonly string[] = []): void {
  BpfObject.open(defaultObjectPath(), { disabled: without }).close();
}

function measureLoads(): readonly Row[] {
  const object = BpfObject.open(defaultObjectPath());
  const { programs } = object;
  object.close();
  const ways: Readonly<Record<string, () => void>> = {
    'all, and once more without what was refused': () => {
      load();
      load(programs.slice(0, 1));
    },
    'each program in an object of its own': () => {
      for (const program of programs) load(programs.filter((name) => name !== program));
    },
  };
  const points = new Map<string | undefined, number[]>([
    [undefined, []],
    ...Object.keys(ways).map((name) => [name, []] as [string, number[]]),
  ]);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, values] of points) {
      const started = performance.now();
      (name === undefined ? load : ways[name])?.();
      values.push(performance.now() - started);
    }
  }
  return rowsOf('loading and freeing the programs', 'ms', points);
}

export async function measureStart(): Promise<readonly Row[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'lorikeet-bench-start-'));
  try {
    return [...(await measureStarts(compileShim(folder))), ...measureLoads()];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
