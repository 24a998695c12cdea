import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { edgesOf, requestsOf, tcpOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';

/** What the calls of a request have to add waits in the socket until the response (bpf/protocols/held.bpf.h). */

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

const MAX_HELD_BYTES = 16_384;
const REQUEST_BYTES = 100;
const RESPONSE_BYTES = 200;
/** More than the calls whose bytes are looked at to find out the protocol. */
const ANSWERED = 8;

const line = (by: 'client' | 'server', start: string, bytes: number, calls = 1) => ({
  by,
  text: start.padEnd(bytes, 'x'),
  calls,
});

/** The counts of both ends of all connections of a cgroup. */
function countsOf(cgroup: bigint) {
  const [client, server] = [tcpOf(bpf, cgroup, 'client'), tcpOf(bpf, cgroup, 'server')];
  const [edge] = edgesOf(bpf, cgroup);
  return {
    requests: [requestsOf(bpf, cgroup, 'client'), requestsOf(bpf, cgroup, 'server'), edge?.requests].map(
      (requests) => requests?.count,
    ),
    durations: [requestsOf(bpf, cgroup, 'client'), requestsOf(bpf, cgroup, 'server'), edge?.requests].map((requests) =>
      requests?.buckets.reduce((sum, count) => sum + count, 0),
    ),
    towardsServer: [
      client?.sentBytes ?? 0,
      (server?.receivedBytes ?? 0) + (server?.unseenBytes ?? 0),
      edge?.sentBytes ?? 0,
    ],
    towardsClient: [client?.receivedBytes, server?.sentBytes, edge?.receivedBytes],
    unanswered: edge?.unanswered,
  };
}

const thrice = <T>(value: T): readonly T[] => [value, value, value];

describe.each([
  { protocol: 'HTTP/1.1', request: 'GET / HTTP/1.1\r\n', response: 'HTTP/1.1 200 OK\r\n' },
  { protocol: 'an unknown protocol', request: 'please', response: 'here' },
])('requests of $protocol', ({ request, response }) => {
  const asked = line('client', request, REQUEST_BYTES);
  const exchanges = Array.from({ length: ANSWERED }, () => [asked, line('server', response, RESPONSE_BYTES)]).flat();

  test('count with their response, and the bytes of one without when its connection closes', () =>
    withSandbox(async (sandbox) => {
      const { id } = sandbox.cgroup;
      const traffic = await sandbox.start(sandbox.cgroup, 'dialogue.mjs', { lines: [...exchanges, asked] });
      const open = countsOf(id);
      expect(open.requests).toEqual(thrice(ANSWERED));
      expect(open.towardsClient).toEqual(thrice(ANSWERED * RESPONSE_BYTES));
      for (const bytes of open.towardsServer) expect(bytes).toBeGreaterThanOrEqual(ANSWERED * REQUEST_BYTES);

      await traffic.stop();
      const closed = countsOf(id);
      expect(closed).toMatchObject({
        requests: thrice(ANSWERED),
        durations: thrice(ANSWERED),
        towardsServer: thrice((ANSWERED + 1) * REQUEST_BYTES),
        towardsClient: thrice(ANSWERED * RESPONSE_BYTES),
      });
    }));

  test('show a large upload while it runs', () =>
    withSandbox(async (sandbox) => {
      const { id } = sandbox.cgroup;
      const upload = line('client', request, 9000, 9);
      const traffic = await sandbox.start(sandbox.cgroup, 'dialogue.mjs', { lines: [...exchanges, upload] });
      const all = ANSWERED * REQUEST_BYTES + 9 * 9000;
      for (const bytes of countsOf(id).towardsServer) expect(bytes).toBeGreaterThanOrEqual(all - MAX_HELD_BYTES);
      await traffic.stop();
      expect(countsOf(id).towardsServer).toEqual(thrice(all));
    }));
});
