import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, lostOf, requestsOf } from './bpf/rows.ts';
import { kernelIsAtLeast } from './kernel-version.ts';
import { withSandbox } from './sandbox/sandbox.ts';

let bpf: BpfObject;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-half-closed-'));
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a request whose answer and FIN come before the send call returns is counted', async () => {
  const program = compileTraffic('closing/answer-and-close.c', folder);
  const connections = 3000;
  for (let round = 0; round < 3; round++) {
    await withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      expect(await sandbox.run(cgroup, program, { connections })).toEqual({ answered: connections });
      expect(requestsOf(bpf, cgroup.id, 'server')?.count).toBe(connections);
      expect(requestsOf(bpf, cgroup.id, 'client')?.count).toBe(connections);
      expect(edgesOf(bpf, cgroup.id)).toMatchObject([{ unanswered: 0, requests: { count: connections } }]);
      expect(lostOf(bpf, 'services')).toBe(0);
    });
  }
});

/** Before, the send and receive calls of MPTCP sockets have no event. */
const PROTOCOLS = kernelIsAtLeast(6, 3) ? ['tcp', 'mptcp'] : ['tcp'];

describe.each(PROTOCOLS)('a request sent by a %s call that returns after', (protocol) => {
  test.each([
    { name: 'the FIN, with the answer read', answer: 'read', count: 1, unanswered: 0 },
    { name: 'the FIN, with the answer unread', answer: 'unread', count: 0, unanswered: 1 },
    { name: 'a reset', answer: 'reset', count: 0, unanswered: 1 },
    { name: 'a reset, and begun by another call', answer: 'late-reset', count: 0, unanswered: 1 },
  ])('$name', async ({ answer, count, unanswered }) => {
    const program = compileTraffic('closing/late-send.c', folder);
    await withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      await sandbox.run(cgroup, program, { protocol, answer });
      expect(requestsOf(bpf, cgroup.id, 'client')?.count ?? 0).toBe(count);
      expect(edgesOf(bpf, cgroup.id)).toMatchObject([{ unanswered, requests: { count } }]);
    });
  });
});
