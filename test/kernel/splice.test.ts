import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { until } from '../until.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, requestsOf, tcpOf, unseenRequestsOf, type Role } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';

/** Attached by the exporter once requests were missed. */
const ON_DEMAND = 'tcp_rcv_space_adjust';

let folder: string;
let program: string;
let bpf: BpfObject;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-splice-'));
  program = compileTraffic('splice-proxy.c', folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const name of bpf.programs) if (name !== ON_DEMAND) bpf.attach(name);
});
afterEach(() => bpf.close());

interface Moved {
  readonly sent: number;
  readonly received: number;
}

/** 25 requests through the proxy on 21 connections, and the rows of the proxy. */
function throughProxy(options: object) {
  return withSandbox(async (sandbox) => {
    const [backend, proxy, client] = ['backend', 'proxy', 'client'].map((name) => sandbox.childCgroup(name));
    if (backend === undefined || proxy === undefined || client === undefined) throw new Error('no cgroup');
    const server = await sandbox.start(backend, 'http-server.mjs', { host: '127.0.0.1', bodyBytes: 3000 });
    const running = await sandbox.start(proxy, program, { backend: (server.ready as { port: number }).port, ...options });
    const { port } = running.ready as { port: number };
    const asked = (await sandbox.run(client, 'http-client.mjs', { host: '127.0.0.1', port, single: 20, kept: 5 })) as Moved;
    const closed = (role: Role) =>
      until(`the proxy's connections as ${role}`, () => {
        const row = tcpOf(bpf, proxy.id, role);
        return row?.closed === 21 ? row : undefined;
      });
    const rows = { server: await closed('server'), client: await closed('client') };
    await running.stop();
    await server.stop();
    const [edge] = edgesOf(bpf, proxy.id);
    return {
      asked,
      rows,
      edge,
      served: requestsOf(bpf, proxy.id, 'server')?.count ?? 0,
      sent: requestsOf(bpf, proxy.id, 'client')?.count ?? 0,
      unseen: unseenRequestsOf(bpf),
    };
  });
}

describe.each([{}, { receive: true }])('a proxy that splices (%o)', (options) => {
  test('has all bytes, and its requests are counted as unseen', async () => {
    const { asked, rows, edge, served, sent, unseen } = await throughProxy(options);
    expect(rows.server.receivedBytes + rows.server.unseenBytes).toBe(asked.sent);
    expect(rows.server.sentBytes).toBe(asked.received);
    expect(rows.client.receivedBytes + rows.client.unseenBytes).toBe(asked.received);
    expect(rows.client.sentBytes).toBe(asked.sent);
    expect(edge).toMatchObject({ sentBytes: asked.sent, unanswered: 0, requests: { count: 0 } });
    expect((edge?.receivedBytes ?? 0) + (edge?.unseenBytes ?? 0)).toBe(asked.received);
    expect(served).toBe('receive' in options ? 25 : 0);
    expect(sent).toBe(0);
    expect(unseen).toBe(50 - served);
  });

  test('has all requests once the program for its reads is attached', async () => {
    bpf.attach(ON_DEMAND);
    const { asked, rows, edge, served, sent, unseen } = await throughProxy(options);
    expect(rows.server).toMatchObject({ receivedBytes: asked.sent, sentBytes: asked.received, unseenBytes: 0 });
    expect(rows.client).toMatchObject({ receivedBytes: asked.received, sentBytes: asked.sent, unseenBytes: 0 });
    expect(edge).toMatchObject({ sentBytes: asked.sent, receivedBytes: asked.received, unanswered: 0 });
    expect(edge?.requests.count).toBe(25);
    expect({ served, sent, unseen }).toEqual({ served: 25, sent: 25, unseen: 0 });
  });
});
