import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, lostOf, requestsOf } from './bpf/rows.ts';
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
  const program = compileTraffic('answer-and-close.c', folder);
  const connections = 3000;
  for (let round = 0; round < 3; round++) {
    await withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      expect(await sandbox.run(cgroup, program, { connections })).toEqual({ answered: connections });
      expect(requestsOf(bpf, cgroup.id, 'server')?.count).toBe(connections);
      expect(requestsOf(bpf, cgroup.id, 'client')?.count).toBe(connections);
      expect(edgesOf(bpf, cgroup.id)).toMatchObject([{ unanswered: 0, requests: { count: connections } }]);
      expect(lostOf(bpf, 'requests')).toBe(0);
    });
  }
});

test.each(['tcp', 'mptcp'])('a request sent by a call that returns after the FIN is counted: %s', async (protocol) => {
  const program = compileTraffic('late-send.c', folder);
  await withSandbox(async (sandbox) => {
    const [read, unread] = [sandbox.childCgroup('read'), sandbox.childCgroup('unread')];
    await sandbox.run(read, program, { protocol });
    expect(requestsOf(bpf, read.id, 'client')?.count).toBe(1);
    expect(edgesOf(bpf, read.id)).toMatchObject([{ unanswered: 0, requests: { count: 1 } }]);
    await sandbox.run(unread, program, { protocol, answer: 'unread' });
    expect(edgesOf(bpf, unread.id)).toMatchObject([{ unanswered: 1, requests: { count: 0 } }]);
  });
});
