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

async function count(version: string, client: { single?: number; kept?: number }) {
  return withSandbox(async (sandbox) => {
    const [serverCgroup, clientCgroup] = [sandbox.childCgroup('server'), sandbox.childCgroup('client')];
    const [key, cert] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(folder, name), 'utf8'));
    const versions = { minVersion: version, maxVersion: version };
    const running = await sandbox.start(serverCgroup, 'http-server.mjs', {
      host: '127.0.0.1',
      delayMs: DELAY_MS,
      tls: { key, cert, ...versions },
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
])('$version, $client: requests without the handshakes', async ({ version, client }) => {
  const { asked, served, seen } = await count(version, client);
  expect(asked).toBe(client.kept ?? client.single);
  for (const histogram of [served, seen]) {
    expect(histogram?.count).toBe(asked);
    expect((histogram?.sumNs ?? 0) / 1e6 / asked).toBeGreaterThanOrEqual(DELAY_MS);
  }
});
