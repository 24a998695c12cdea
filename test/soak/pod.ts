import { setTimeout as sleep } from 'node:timers/promises';
import { expect, vi } from 'vitest';
import { LINGER_MS } from '../../exporter/identity/local-targets.ts';
import { withSandbox, type Sandbox } from '../kernel/sandbox/sandbox.ts';
import type { Fleet } from './fleet.ts';

/** Numbers of requests: on a connection each, on one connection, and in a cgroup each. */
const TRAFFIC = { single: 10, kept: 50, brief: 10 };
const REQUESTS = TRAFFIC.single + TRAFFIC.kept + TRAFFIC.brief;

/**
 * The lifetime of a pod of `service`: a server, a client, and short-lived cgroups below; then all end at the same time.
 * Its series must be exact during that time, and gone a minute after its last counts have been exported.
 *
 * @returns the ids of all its cgroups, and the end of its series.
 */
export async function livePod(
  fleet: Fleet,
  service: string,
): Promise<{ readonly ids: readonly bigint[]; readonly gone: Promise<void> }> {
  const ids: bigint[] = [];
  const cgroup = await withSandbox(async (sandbox) => {
    fleet.know(service, sandbox.cgroup);
    ids.push(sandbox.cgroup.id, ...(await exchange(sandbox)));
    // The exporter may not have read the file yet.
    await vi.waitFor(async () => expect(await requestsOf(fleet, service)).toEqual([REQUESTS, REQUESTS, REQUESTS]), {
      timeout: 20_000,
    });
    return sandbox.cgroup;
  });
  // It is still in the targets file.
  // One scrape for each pod: the exporter answers five at a time.
  const gone = sleep(LINGER_MS + 20_000)
    .then(async () => expect(await fleet.samplesOf(service)).toEqual({}))
    .then(() => fleet.forget(cgroup));
  return { ids, gone };
}

/** Sends the requests; the server keeps running. */
async function exchange(sandbox: Sandbox): Promise<readonly bigint[]> {
  const host = '127.0.0.1';
  const [front, back] = [sandbox.childCgroup('front'), sandbox.childCgroup('back')];
  const server = await sandbox.start(back, 'http-server.mjs', { host, bodyBytes: 2000 });
  const { port } = server.ready as { port: number };
  await sandbox.run(front, 'http-client.mjs', { host, port, single: TRAFFIC.single, kept: TRAFFIC.kept });
  const options = { host, port, below: sandbox.cgroup.path, home: front.path, count: TRAFFIC.brief };
  const brief = (await sandbox.run(front, 'brief-cgroups.mjs', options)) as readonly string[];
  return [front.id, back.id, ...brief.map(BigInt)];
}

/** Requests as a client and as a server, and responses. */
async function requestsOf(fleet: Fleet, service: string): Promise<readonly number[]> {
  const samples = Object.entries(await fleet.samplesOf(service));
  const of = (name: string, ...labels: readonly string[]): number =>
    samples.find(([line]) => line.startsWith(name) && labels.every((label) => line.includes(label)))?.[1] ?? NaN;
  return [
    of('lorikeet_requests_total', 'role="client"'),
    of('lorikeet_requests_total', 'role="server"'),
    of('lorikeet_http_responses_total', 'role="server"', 'class="2xx"'),
  ];
}
