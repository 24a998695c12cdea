import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { edgesOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

describe('only requests without a response are counted on the edge', () => {
  test.each([
    { name: 'the client gives up', how: 'silent', giveUpMs: 60, ends: 'gave up', unanswered: 3, answered: 0 },
    { name: 'the server closes immediately', how: 'close', ends: 'no answer', unanswered: 3, answered: 0 },
    { name: 'the server resets the connection', how: 'reset', ends: 'no answer', unanswered: 3, answered: 0 },
    { name: 'the server answers and closes', how: 'answer', ends: 'an answer', unanswered: 0, answered: 3 },
    {
      name: 'the response is read after both shutdowns',
      how: 'late-reader',
      ends: 'an answer',
      unanswered: 0,
      answered: 3,
    },
    { name: 'a goodbye expects no response', how: 'goodbye', ends: 'an answer', unanswered: 0, answered: 3 },
    { name: 'a sender that nobody answers', how: 'one-way', ends: 'no answer', unanswered: 0, answered: 0 },
    { name: 'the same over IPv6', how: 'close', host: '::1', ends: 'no answer', unanswered: 3, answered: 0 },
  ])('$name', async ({ how, ends, unanswered, answered, giveUpMs = 0, host = '127.0.0.1' }) => {
    await withSandbox(async (sandbox) => {
      const { cgroup } = sandbox;
      expect(await sandbox.run(cgroup, 'closing/give-up.mjs', { how, count: 3, giveUpMs, host })).toEqual([
        ends,
        ends,
        ends,
      ]);
      const edges = edgesOf(bpf, cgroup.id);
      expect(edges.reduce((sum, edge) => sum + edge.unanswered, 0)).toBe(unanswered);
      expect(edges.reduce((sum, edge) => sum + edge.requests.count, 0)).toBe(answered);
    });
  });
});
