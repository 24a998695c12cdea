import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfObject, defaultObjectPath } from '../../../native/index.ts';
import { requestsOf, tcpOf } from '../bpf/rows.ts';
import { withSandbox } from '../sandbox/sandbox.ts';
import { until } from '../../until.ts';

let bpf: BpfObject;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-tls-'));
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', ...kind, ...files, '-subj', '/CN=test', '-days', '2'], { stdio: 'ignore' });
  bpf = BpfObject.open(defaultObjectPath());
  for (const program of bpf.programs) bpf.attach(program);
});
afterAll(() => {
  bpf?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function count(version: string, client: { single?: number; kept?: number }, ecdhCurve = 'auto') {
  return withSandbox(async (sandbox) => {
    const [serverCgroup, clientCgroup] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name), 'utf8'));
    const versions = { minVersion: version, maxVersion: version };
    const running = await sandbox.start(serverCgroup, 'http-server.mjs', {
      host: '127.0.0.1',
      delayMs: DELAY_MS,
      tls: { key, cert, ecdhCurve, ...versions },
    });
    const { port } = running.ready as { port: number };
    const tls = { rejectUnauthorized: false, ...versions };
    const asked = (await sandbox.run(clientCgroup, 'http-client.mjs', { host: '127.0.0.1', port, tls, ...client })) as {
      requests: number;
      connections: number;
    };
    await running.stop();
    await until('the connections to close', () => {
      const closed = tcpOf(bpf, serverCgroup.id, 'server')?.closed ?? 0;
      return closed === asked.connections || undefined;
    });
    return {
      asked: asked.requests,
      served: requestsOf(bpf, serverCgroup.id, 'server'),
      seen: requestsOf(bpf, clientCgroup.id, 'client'),
    };
  });
}

const DELAY_MS = 5;

// The handshake counts no request. After one of TLS 1.3 the server sends session tickets, which are no response.
test.each([
  { version: 'TLSv1.2', client: { kept: 50 } },
  { version: 'TLSv1.2', client: { single: 10 } },
  { version: 'TLSv1.3', client: { kept: 50 } },
  { version: 'TLSv1.3', client: { single: 10 } },
  // Not the client's first choice: the server asks for another hello.
  { version: 'TLSv1.3', client: { single: 10 }, curve: 'P-384' },
])('$version, $client, $curve: requests without the handshakes', async ({ version, client, curve }) => {
  const { asked, served, seen } = await count(version, client, curve);
  expect(asked).toBe(client.kept ?? client.single);
  for (const histogram of [served, seen]) {
    expect(histogram?.count).toBe(asked);
    expect((histogram?.sumNs ?? 0) / 1e6 / asked).toBeGreaterThanOrEqual(DELAY_MS);
  }
});

/** A record of TLS as latin1. */
function record(type: number, content: string): string {
  return String.fromCharCode(type, 3, 3, content.length >> 8, content.length & 255) + content;
}

/** A message of the handshake that fills its record. */
function message(type: number, length: number): string {
  return record(22, String.fromCharCode(type, 0, length >> 8, length & 255) + '\x03\x03'.padEnd(length, 'r'));
}

const [CLIENT_HELLO, SERVER_HELLO] = [1, 2];
const CHANGE = record(20, '\x01');
const DATA = record(23, 'd'.repeat(100));

test.each([
  // One encrypted record in 256 begins like a hello.
  {
    name: 'TLS 1.2, resumed, and Finished begins like a hello',
    lines: [
      { by: 'client', text: message(CLIENT_HELLO, 200) },
      { by: 'server', text: message(SERVER_HELLO, 80) + CHANGE + record(22, '\x01'.padEnd(40, 'f')) },
      { by: 'client', text: CHANGE + record(22, '\x01'.padEnd(40, 'f')) },
    ],
  },
  {
    name: 'TLS 1.3, and the server asks for another hello',
    lines: [
      { by: 'client', text: message(CLIENT_HELLO, 200) },
      { by: 'server', text: message(SERVER_HELLO, 80) + CHANGE },
      { by: 'client', text: CHANGE + message(CLIENT_HELLO, 233) },
      { by: 'server', text: message(SERVER_HELLO, 120) + record(23, 'e'.repeat(900)) },
      { by: 'client', text: record(23, 'f'.repeat(53)) },
    ],
  },
])('$name: the requests after it are counted', ({ lines }) =>
  withSandbox(async (sandbox) => {
    const requests = Array.from({ length: 3 }, () => [
      { by: 'client', text: DATA },
      { by: 'server', text: DATA },
    ]).flat();
    await sandbox.run(sandbox.cgroup, 'dialogue.mjs', { lines: [...lines, ...requests] });
    expect(requestsOf(bpf, sandbox.cgroup.id, 'server')?.count).toBe(3);
    expect(requestsOf(bpf, sandbox.cgroup.id, 'client')?.count).toBe(3);
  }),
);

test.each([
  { name: 'TLS 1.2', server: ['-tls1_2'], client: [] },
  { name: 'TLS 1.3', server: ['-tls1_3'], client: [] },
  { name: 'TLS 1.3 with another hello', server: ['-tls1_3', '-groups', 'P-384'], client: ['-groups', 'X25519:P-384'] },
])('$name of programs that read a header and then its record: the handshake is no request', ({ server, client }) =>
  withSandbox(async (sandbox) => {
    const lines = { folder, count: 5, server, client };
    expect(await sandbox.run(sandbox.cgroup, 'openssl-lines.mjs', lines)).toBe(5);
    expect(requestsOf(bpf, sandbox.cgroup.id, 'server')?.count).toBe(5);
    expect(requestsOf(bpf, sandbox.cgroup.id, 'client')?.count).toBe(5);
  }),
);
