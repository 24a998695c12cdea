import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { readRequestBody, serve } from '../testserver/http.ts';
import { parts, type SignedRequest, sigv4Signature } from '../testserver/credentials/sigv4.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-sigv4-'));
afterAll(() => rmSync(folder, { recursive: true }));
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  // Neither this machine's own profiles nor the addresses of a cloud.
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'config'));
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', join(folder, 'credentials'));
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function record(answer: (request: SignedRequest) => string = () => 'ok') {
  const requests: SignedRequest[] = [];
  const server = await serve((request, response) => {
    void readRequestBody(request).then((body) => {
      const { method = '', url: target = '', headers } = request;
      requests.push({ method, target, headers, body });
      response.end(answer({ method, target, headers, body }));
    });
  });
  stops.push(() => server.stop());
  return { url: server.url, requests };
}

function client(sigv4: object) {
  const http = createHttpClient(httpClientSchema.parse({ sigv4 }), { timeoutMs: 10_000 });
  stops.push(() => http.close());
  return http;
}

const KEYS = { access_key: 'AKIDEXAMPLE', secret_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

test("the test's own signature is that of AWS' published examples", () => {
  // The cases get-vanilla and get-vanilla-query-order-key-case of the test suite of Signature Version 4.
  const headers: IncomingHttpHeaders = {
    host: 'example.amazonaws.com',
    'x-amz-date': '20150830T123600Z',
    authorization: `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
  };
  const request = { method: 'GET', target: '/', headers, body: new Uint8Array() };
  expect(sigv4Signature(request, KEYS.secret_key)).toBe(
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  );
  expect(sigv4Signature({ ...request, target: '/?Param2=value2&Param1=value1' }, KEYS.secret_key)).toBe(
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  );
});

test.each([
  ['GET', '/workspaces/ws-1/api/v1/query?query=up%7Ba%3D%22b%22%7D&time=1&x=a+b', undefined],
  ['POST', '/workspaces/ws-1/api/v1/remote_write', new Uint8Array([1, 2, 255])],
  ['POST', '/a%20b/c', 'query=up'],
] as const)('%s %s is signed', async (method, path, body) => {
  const { url, requests } = await record();
  const http = client({ region: 'eu-west-1', ...KEYS });
  await http.request({
    method,
    url: url + path,
    headers: { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy', 'x-other': 'a' },
    ...(body !== undefined && { body }),
  });
  const [request] = requests;
  if (request === undefined) throw new Error('no request');
  const { credential, signed, signature } = parts(request.headers);
  expect(credential).toMatch(/^AKIDEXAMPLE\/\d{8}\/eu-west-1\/aps\/aws4_request$/);
  expect(signed).toEqual(['content-encoding', 'content-type', 'host', 'x-amz-content-sha256', 'x-amz-date']);
  expect(request.target).toBe(path);
  expect(signature).toBe(sigv4Signature(request, KEYS.secret_key));
  expect(request.headers).toMatchObject({ 'content-encoding': 'snappy', 'x-other': 'a' });
});

test('keys and region of the environment, and another service', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDENV');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'env-secret');
  vi.stubEnv('AWS_SESSION_TOKEN', 'session');
  vi.stubEnv('AWS_REGION', 'us-east-2');
  const { url, requests } = await record();
  await client({ service_name: 'execute-api' }).request({ method: 'GET', url });
  const [request] = requests;
  expect(request?.headers['x-amz-security-token']).toBe('session');
  expect(parts(request?.headers ?? {}).credential).toMatch(/^AKIDENV\/\d{8}\/us-east-2\/execute-api\/aws4_request$/);
  expect(parts(request?.headers ?? {}).signature).toBe(request && sigv4Signature(request, 'env-secret'));
});

test('a profile has keys and region', async () => {
  writeFileSync(join(folder, 'config'), '[profile metrics]\nregion = eu-north-1\n');
  writeFileSync(
    join(folder, 'credentials'),
    '[metrics]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = profile-secret\n',
  );
  const { url, requests } = await record();
  await client({ profile: 'metrics' }).request({ method: 'GET', url });
  const [request] = requests;
  expect(parts(request?.headers ?? {}).credential).toMatch(/^AKIDPROFILE\/\d{8}\/eu-north-1\/aps\/aws4_request$/);
  expect(parts(request?.headers ?? {}).signature).toBe(request && sigv4Signature(request, 'profile-secret'));
});

test('a role is assumed once, and its credentials are used', async () => {
  const sts = await record(
    () => `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  );
  vi.stubEnv('AWS_ENDPOINT_URL_STS', sts.url);
  const { url, requests } = await record();
  const role = 'arn:aws:iam::123456789012:role/metrics';
  const http = client({
    region: 'eu-west-1',
    ...KEYS,
    role_arn: role,
    external_id: 'external',
    session_name: 's',
    tags: { a: 'b' },
  });
  await http.request({ method: 'GET', url });
  await http.request({ method: 'GET', url });
  expect(sts.requests).toHaveLength(1);
  const form = new URLSearchParams(Buffer.from(sts.requests[0]?.body ?? []).toString());
  expect(Object.fromEntries(form)).toMatchObject({
    Action: 'AssumeRole',
    RoleArn: role,
    ExternalId: 'external',
    RoleSessionName: 's',
    'Tags.member.1.Key': 'a',
    'Tags.member.1.Value': 'b',
  });
  expect(requests[1]?.headers['x-amz-security-token']).toBe('role-token');
  expect(parts(requests[1]?.headers ?? {}).signature).toBe(requests[1] && sigv4Signature(requests[1], 'role-secret'));
});

test('without region or keys the error says so', async () => {
  const { url, requests } = await record();
  await expect(client(KEYS).request({ method: 'GET', url })).rejects.toMatchObject({
    code: 'CREDENTIALS',
    cause: { message: 'sigv4: no region in the settings, in AWS_REGION or in the profile' },
  });
  await expect(client({ region: 'x' }).request({ method: 'GET', url })).rejects.toMatchObject({ code: 'CREDENTIALS' });
  expect(requests).toEqual([]);
});
