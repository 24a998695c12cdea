import { readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';

/**
 * Kernel version -> program -> instructions processed by the verifier. LORIKEET_UPDATE_INSTRUCTIONS=1 updates them for
 * the running kernel (`npm run test:kernels` does so for the others).
 */
type Instructions = Record<string, Record<string, number>>;

const FILE = new URL('verified-instructions.json', import.meta.url);
const KERNEL = /^\d+\.\d+/.exec(release())?.[0] ?? release();
/** A tenth of the verifier's limit of a million, so that differences between kernels do not matter. */
const MOST = 100_000;
/** Tolerance for recorded numbers: verifiers of a version differ slightly by patch level. */
const TOLERANCE = 0.2;

function counted(): Record<string, number> {
  const bpf = BpfObject.open(defaultObjectPath());
  try {
    for (const program of bpf.programs) bpf.attach(program);
    return Object.fromEntries(bpf.programStats().map(({ name, verifiedInstructions }) => [name, verifiedInstructions]));
  } finally {
    bpf.close();
  }
}

test('every program for this kernel loads, attaches and stays cheap to verify', (context) => {
  const counts = counted();
  expect(Object.keys(counts)).toContain('inet_sock_set_state');
  for (const [program, count] of Object.entries(counts)) expect(count, program).toBeLessThan(MOST);
  const known = JSON.parse(readFileSync(FILE, 'utf8')) as Instructions;
  if (process.env['LORIKEET_UPDATE_INSTRUCTIONS'] === '1') {
    const order = { numeric: true } as const;
    const rows = Object.entries({ ...known, [KERNEL]: counts }).sort(([a], [b]) => a.localeCompare(b, 'en', order));
    writeFileSync(FILE, `${JSON.stringify(Object.fromEntries(rows), null, 2)}\n`);
    return;
  }
  const expected = known[KERNEL];
  if (expected === undefined) {
    context.skip(`no counts of kernel ${KERNEL} to compare with`);
    return;
  }
  expect(Object.keys(counts).toSorted()).toEqual(Object.keys(expected).toSorted());
  for (const [program, count] of Object.entries(counts)) {
    const written = expected[program] ?? 0;
    expect(Math.abs(count - written) / written, `${program}: ${count}, written down: ${written}`).toBeLessThan(
      TOLERANCE,
    );
  }
});
