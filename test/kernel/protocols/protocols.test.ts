import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PROTOCOLS } from '../../../exporter/identity/protocols.ts';
import { BpfObject, defaultObjectPath } from '../../../native/index.ts';
import { until } from '../../until.ts';
import { edgesOf, protocolsOf, requestsOf, tcpOf } from '../bpf/rows.ts';
import { withSandbox } from '../sandbox/sandbox.ts';

let bpf: BpfObject;

beforeAll(() => {
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => bpf?.close());

interface Line {
  readonly by: 'client' | 'server';
  readonly text: string;
  readonly afterMs?: number;
  readonly calls?: number;
}
const client = (text: string, more: Partial<Line> = {}): Line => ({ by: 'client', text, ...more });
const server = (text: string, more: Partial<Line> = {}): Line => ({ by: 'server', text, ...more });

/** Says the lines in one cgroup, and returns what was counted of both ends, which must agree. */
function say(lines: readonly Line[], port = 0) {
  return withSandbox(async (sandbox) => {
    const { cgroup } = sandbox;
    await sandbox.run(cgroup, 'dialogue.mjs', { lines, port });
    await until('the connection to close', () => tcpOf(bpf, cgroup.id, 'server')?.closed || undefined);
    await until('the connection to close', () => tcpOf(bpf, cgroup.id, 'client')?.closed || undefined);
    const [asked, served] = [requestsOf(bpf, cgroup.id, 'client'), requestsOf(bpf, cgroup.id, 'server')];
    expect(asked?.count).toBe(served?.count);
    const [edge] = edgesOf(bpf, cgroup.id);
    expect(edge?.requests.count ?? 0).toBe(asked?.count ?? 0);
    const protocols = protocolsOf(bpf, cgroup.id);
    expect(protocols.client).toEqual(protocols.server);
    return {
      protocol: PROTOCOLS[protocols.server[0] ?? 0],
      requests: asked?.count ?? 0,
      meanMs: (asked?.sumNs ?? 0) / 1e6 / (asked?.count ?? 1),
      servedMeanMs: (served?.sumNs ?? 0) / 1e6 / (served?.count ?? 1),
      unanswered: edge?.unanswered,
    };
  });
}

const WORK_MS = 40;
const IDLE_MS = 400;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = `HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n${'y'.repeat(300)}`;
const work = { afterMs: WORK_MS };
const idle = { afterMs: IDLE_MS };

describe('requests with their durations', () => {
  test.each([
    {
      name: 'HTTP/1.1',
      protocol: 'http1',
      lines: [client(GET), server(OK, work), client(GET, idle), server(OK, work)],
    },
    {
      name: 'an upload that waits for 100 Continue',
      protocol: 'http1',
      lines: [
        client('POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n'),
        server('HTTP/1.1 100 Continue\r\n\r\n'),
        client('y'.repeat(1000), { calls: 3 }),
        server(OK, work),
        client(GET, idle),
        server(OK, work),
      ],
    },
    {
      name: 'Redis, without commands that wait for an event',
      protocol: 'redis',
      lines: [
        client('*2\r\n$3\r\nGET\r\n$1\r\na\r\n'),
        server('$-1\r\n', work),
        client('*3\r\n$5\r\nBLPOP\r\n$1\r\na\r\n$1\r\n0\r\n'),
        server('*-1\r\n', idle),
        client('*2\r\n$4\r\nLLEN\r\n$1\r\na\r\n'),
        server(':0\r\n', work),
        client('*2\r\n$9\r\nsubscribe\r\n$1\r\na\r\n'),
        server('*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n'),
        server('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n', idle),
        client('*1\r\n$4\r\nPING\r\n'),
        server('*2\r\n$4\r\npong\r\n$0\r\n\r\n', idle),
      ],
    },
    {
      name: 'MySQL, whose server begins',
      protocol: 'mysql',
      lines: [
        server('\x06\0\0\0\x0a8.0\0a'),
        client('\x05\0\0\x01abcde', idle),
        server('\x07\0\0\x02abcdefg', work),
        client('\x05\0\0\0\x03abcd', idle),
        server('\x07\0\0\x01abcdefg', work),
      ],
    },
    {
      name: 'an unknown protocol, to the end of its response',
      protocol: 'unknown',
      lines: [
        client('part one'),
        client('part two', idle),
        server('a', { afterMs: WORK_MS, calls: 1 }),
        client('a message that nobody answers', idle),
        client('another request', idle),
        server('b', work),
        server('a push', { afterMs: 0 }),
      ],
    },
  ])('$name', async ({ protocol, lines }) => {
    const counted = await say(lines);
    expect(counted).toMatchObject({ protocol, requests: 2, unanswered: 0 });
    for (const mean of [counted.meanMs, counted.servedMeanMs]) {
      expect(mean).toBeGreaterThanOrEqual(WORK_MS - 1);
      expect(mean).toBeLessThan(IDLE_MS);
    }
  });
});

describe('messages, which have no latency', () => {
  const ping = (text: string): Line[] => [server(text, idle), client('ok')];
  test.each([
    {
      protocol: 'amqp',
      lines: [client('AMQP\0\0\x09\x01'), server('\x01\0\0\0\0\0\x04\0\x0a\0\x0a\xce'), ...ping('d')],
    },
    {
      protocol: 'mqtt',
      lines: [client('\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04abcd'), server('\x20\x02\0\0'), ...ping('p')],
    },
    { protocol: 'nats', lines: [server('INFO {"a":1}\r\n'), client('CONNECT {}\r\n'), ...ping('PING\r\n')] },
    {
      protocol: 'stomp',
      lines: [client('CONNECT\naccept-version:1.2\n\n\0'), server('CONNECTED\n\n\0'), ...ping('\n')],
    },
    { protocol: 'ssh', lines: [server('SSH-2.0-a\r\n'), client('SSH-2.0-b\r\n'), ...ping('x')] },
    { protocol: 'syslog', lines: [client('<13>a line\n'), client('<13>another\n', idle)] },
    {
      protocol: 'kafka',
      lines: [client('\0\0\0\x0e\0\x12\0\x03\0\0\0\x01\0\x02abcd'), server('\0\0\0\x04\0\0\0\x01'), ...ping('m')],
    },
  ])('$protocol', async ({ protocol, lines }) => {
    expect(await say(lines)).toMatchObject({ protocol, requests: 0, unanswered: 0 });
  });

  test('a websocket, after the request that opens it', async () => {
    const counted = await say([
      client('GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n'),
      server('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n', work),
      ...ping('\x81\x01a'),
      ...ping('\x81\x01b'),
    ]);
    expect(counted).toMatchObject({ requests: 1, unanswered: 0 });
    expect(counted.meanMs).toBeLessThan(IDLE_MS);
  });
});

test('a proxy passes on another protocol after CONNECT', async () => {
  const counted = await say([
    client('CONNECT a:443 HTTP/1.1\r\n\r\n'),
    server('HTTP/1.1 200 Connection established\r\n\r\n', work),
    client('AMQP\0\0\x09\x01'),
    server('\x01\0\0\0\0\0\x04\0\x0a\0\x0a\xce', idle),
    client('ok'),
    server('d', idle),
  ]);
  expect(counted).toMatchObject({ requests: 1, unanswered: 0 });
  expect(counted.meanMs).toBeLessThan(IDLE_MS);
});

test('a declared protocol goes before the first bytes', async () => {
  const key = Buffer.alloc(24);
  key.write('00000000000000000000ffff7f000001', 'hex');
  const write = (port: number, name: (typeof PROTOCOLS)[number]) => {
    key.writeUInt16LE(port, 16);
    const value = Buffer.alloc(4);
    value.writeUInt32LE(PROTOCOLS.indexOf(name));
    bpf.map('declared_protocols').update(key, value);
  };
  const port = 27_431;
  const lines = [client('a request'), server('a response', work), client('a message', idle), server('b', idle)];
  write(port, 'messages');
  expect(await say(lines, port)).toMatchObject({ protocol: 'messages', requests: 0 });
  write(port, 'exchanges');
  expect(await say(lines, port)).toMatchObject({ protocol: 'exchanges', requests: 2 });
  bpf.map('declared_protocols').delete(key);
  expect(await say(lines, port)).toMatchObject({ protocol: 'unknown', requests: 2 });
});
