import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../../native/index.ts';
import { edgesOf, lostOf, requestsOf } from '../bpf/rows.ts';
import { withSandbox } from '../sandbox/sandbox.ts';

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

const HUNDRED_KB = 100_000;

// The idle time between two requests, the frames of their bodies and the updates of windows are no requests.
test.each([
  { name: 'one at a time', traffic: { count: 20, delayMs: 20 } },
  {
    name: 'large bodies with idle time between them',
    traffic: { count: 4, delayMs: 20, idleMs: 700, bodyBytes: 2 * HUNDRED_KB },
  },
  { name: '50 at a time', traffic: { count: 500, parallel: 50, delayMs: 20, bodyBytes: 3000 } },
  { name: 'some of them cancelled', traffic: { count: 5, delayMs: 20, cancelled: 3 } },
])('requests of HTTP/2 are streams: $name', async ({ traffic }) => {
  await withSandbox(async (sandbox) => {
    const lost = lostOf(bpf, 'streams');
    const { cgroup } = sandbox;
    const asked = (await sandbox.run(cgroup, 'http2.mjs', traffic)) as { requests: number; meanMs: number };
    const [edge] = edgesOf(bpf, cgroup.id);
    const seen = [requestsOf(bpf, cgroup.id, 'client'), requestsOf(bpf, cgroup.id, 'server'), edge?.requests];
    for (const histogram of seen) {
      expect(histogram?.count).toBe(asked.requests);
      const meanMs = (histogram?.sumNs ?? 0) / 1e6 / asked.requests;
      expect(meanMs).toBeGreaterThanOrEqual(20);
      expect(meanMs).toBeLessThanOrEqual(asked.meanMs);
    }
    expect(edge?.unanswered).toBe(traffic.cancelled ?? 0);
    expect(lostOf(bpf, 'streams')).toBe(lost);
  });
});
