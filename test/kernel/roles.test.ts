import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../native/index.ts';
import { compileTraffic } from './bpf/compile.ts';
import { edgesOf, requestsOf, tcpOf } from './bpf/rows.ts';
import { withSandbox, type Cgroup } from './sandbox/sandbox.ts';
import { until } from '../until.ts';

let bpf: BpfObject;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-roles-'));
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

test('the role depends neither on ports nor on the history of a descriptor', () =>
  withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    const { port } = (await sandbox.run(cgroup, compileTraffic('roles.c', folder), {})) as { port: number };
    // Clients: 1 with a low port, 1 connected to itself, 2 with the reused socket, 10 in turns. All but one have
    // servers.
    const client = await until('the clients to close', () => {
      const row = tcpOf(bpf, cgroup.id, 'client');
      return row?.closed === 14 ? row : undefined;
    });
    expect(client).toMatchObject({ opened: 14, closed: 14, connectFailures: [0, 0, 0, 0, 0] });
    expect(tcpOf(bpf, cgroup.id, 'server')).toMatchObject({ opened: 13, closed: 13, connectFailures: [0, 0, 0, 0, 0] });
    const { length: question } = 'question';
    const { length: answer } = 'answer';
    // The socket connected to itself receives both words that it sends.
    const itself = question + answer;
    expect(client).toMatchObject({ sentBytes: 13 * question + itself, receivedBytes: 13 * answer + itself });
    expect(requestsOf(bpf, cgroup.id, 'server')?.count).toBe(13);
    const requests = Object.fromEntries(edgesOf(bpf, cgroup.id).map((edge) => [edge.port, edge.requests.count]));
    // For this one, each word is a request and also the response.
    expect(requests).toMatchObject({ [port]: 1 + 1 + 5, 82: 2, 83: 5 });
    expect(Object.values(requests).reduce((sum, count) => sum + count, 0)).toBe(13 + 2);
  }));

describe('a socket passed to another process', () => {
  test.each(['127.0.0.1', '::1'])(
    'over %s stays with its creator as a client, and belongs to its user as a server',
    (host) =>
      withSandbox(async (sandbox) => {
        const [maker, user] = [sandbox.childCgroup('maker'), sandbox.childCgroup('user')];
        const count = 12;
        const options = { host, other: user.path, count };
        expect(await sandbox.run(maker, 'passed-on/handover.mjs', options)).toEqual({ requests: count });
        const owners = { client: maker.id, server: user.id } as const;
        for (const role of ['client', 'server'] as const) {
          await until('the ends to close', () => tcpOf(bpf, owners[role], role)?.closed || undefined);
          expect(tcpOf(bpf, owners[role], role)).toMatchObject({ opened: 1, closed: 1 });
          expect(requestsOf(bpf, owners[role], role)?.count).toBe(count);
        }
        expect(tcpOf(bpf, maker.id, 'server')).toMatchObject({ opened: 1, closed: 1, lifetime: { count: 0 } });
        expect(requestsOf(bpf, maker.id, 'server')).toBeUndefined();
        expect(tcpOf(bpf, user.id, 'client')).toBeUndefined();
      }),
  );
});

describe('a listening socket passed to another process', () => {
  test('gives its connections to the process that accepts them', () =>
    withSandbox(async (sandbox) => {
      const [parent, user, client] = ['parent', 'user', 'client'].map((name) => sandbox.childCgroup(name)) as [
        Cgroup,
        Cgroup,
        Cgroup,
      ];
      const server = await sandbox.start(parent, 'passed-on/inherited-listener.mjs', {
        host: '127.0.0.1',
        other: user.path,
      });
      const { port } = server.ready as { port: number };
      const options = { host: '127.0.0.1', port, single: 6, kept: 4 };
      const asked = (await sandbox.run(client, 'http-client.mjs', options)) as {
        requests: number;
        connections: number;
      };
      const { connections } = asked;
      const row = await until('the connections to close', () => {
        const { closed = 0 } = tcpOf(bpf, user.id, 'server') ?? {};
        return closed >= connections ? tcpOf(bpf, user.id, 'server') : undefined;
      });
      expect(asked.requests).toBe(10);
      expect(requestsOf(bpf, user.id, 'server')?.count).toBe(10);
      expect(row).toMatchObject({ opened: connections, closed: connections, lifetime: { count: connections } });
      expect(requestsOf(bpf, parent.id, 'server')).toBeUndefined();
      const before = tcpOf(bpf, parent.id, 'server');
      expect(before).toMatchObject({ opened: connections, closed: connections, sentBytes: 0, receivedBytes: 0 });
      await server.stop();
    }));
});
