import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, expect, test, vi } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { startAuthority, startManagedIdentity } from '../testserver/credentials/azure.ts';
import { serve } from '../testserver/http.ts';
import { makeAuthority } from './certificates.ts';

const ID = '8f6d2a3e-0000-4000-8000-000000000001';
const TENANT = '8f6d2a3e-0000-4000-8000-000000000002';
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-azuread-'));
afterAll(() => rmSync(folder, { recursive: true }));
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function recordAuthorization() {
  const seen: string[] = [];
  const server = await serve((request, response) => {
    seen.push(String(request.headers.authorization));
    response.end('{"status":"success","data":{"resultType":"matrix","result":[]}}');
  });
  stops.push(() => server.stop());
  return { url: server.url, seen };
}

// One server for all: the library keeps the first address of a process.
const identity = await startManagedIdentity('header');
afterAll(() => identity.stop());

test.each([
  [{ managed_identity: { client_id: ID } }, 'https://monitor.azure.com/', ID],
  [{ managed_identity: null, cloud: 'AzureChina' }, 'https://monitor.azure.cn/', undefined],
  [{ managed_identity: {}, scope: 'https://own.example/.default' }, 'https://own.example', undefined],
])('%j gets one token of a managed identity for several requests', async (azuread, resource, clientId) => {
  vi.stubEnv('IDENTITY_ENDPOINT', identity.url);
  vi.stubEnv('IDENTITY_HEADER', 'header');
  const before = identity.requests.length;
  const { url, seen } = await recordAuthorization();
  const http = createHttpClient(httpClientSchema.parse({ azuread }), { timeoutMs: 10_000 });
  stops.push(() => http.close());
  await http.request({ method: 'GET', url });
  await http.request({ method: 'GET', url });
  expect(seen).toEqual([`Bearer managed-${before + 1}`, `Bearer managed-${before + 1}`]);
  expect(identity.requests).toHaveLength(before + 1);
  expect(identity.requests[before]).toMatchObject({ resource });
  expect(identity.requests[before]?.['client_id']).toBe(clientId);
});

// As a program, because the library reads additional authorities for TLS when a process starts.
test.each([
  ['oauth', `{ client_id: ${ID}, client_secret: hunter2, tenant_id: ${TENANT} }`, { client_secret: 'hunter2' }],
  [
    'workload_identity',
    `{ client_id: ${ID}, tenant_id: ${TENANT}, token_file_path: token }`,
    { client_assertion: 'federated' },
  ],
  [
    'certificate',
    `{ client_id: ${ID}, tenant_id: ${TENANT}, certificate_path: own.crt, certificate_key_path: own.key }`,
    { client_assertion: expect.stringMatching(/^eyJ/) },
  ],
])('the program gets a token by %s', async (kind, settings, expected) => {
  const authority = makeAuthority(folder, kind);
  const { cert, key } = authority.sign(`${kind}-server`, 'entra');
  const entra = await startAuthority(TENANT, { cert: readFileSync(cert), key: readFileSync(key) });
  stops.push(() => entra.stop());
  const { url, seen } = await recordAuthorization();
  writeFileSync(join(folder, 'token'), 'federated');
  const rsa = ['-newkey', 'rsa:2048', '-nodes', '-keyout', join(folder, 'own.key'), '-out', join(folder, 'own.crt')];
  execFileSync('openssl', ['req', '-x509', ...rsa, '-subj', '/CN=own'], { stdio: 'pipe' });
  writeFileSync(
    join(folder, 'scorer.yaml'),
    `prometheus:
  url: ${url}
  azuread:
    cloud: { name: AzureCustom, aad_endpoint: '${entra.url}', token_audience: 'https://own.example/.default' }
    ${kind}: ${settings}
output: metrics
`,
  );
  const program = resolve('dist/lorikeet-scorer.js');
  const error = await new Promise<string>((done) => {
    execFile(
      process.execPath,
      [program, 'train', '--from=10m', `--config.file=${join(folder, 'scorer.yaml')}`],
      { timeout: 30_000, env: { PATH: process.env['PATH'], NODE_EXTRA_CA_CERTS: authority.cert } },
      (_error, _out, err) => done(err),
    );
  });
  expect(entra.requests[0], error).toMatchObject({
    ...expected,
    client_id: ID,
    grant_type: 'client_credentials',
  });
  expect(entra.requests[0]?.['scope']).toContain('https://own.example/.default');
  expect(new Set(seen)).toEqual(new Set(['Bearer entra-1']));
  expect(error).not.toContain('hunter2');
});
