import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { createHttpClient, type HttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { JWT_BEARER } from '../../daemon/http-client/settings/credentials.ts';
import { serve, type RunningServer } from '../testserver/http.ts';
import { startOAuth2Server, type OAuth2Server } from '../testserver/credentials/oauth2.ts';
import { makeAuthority } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), `lorikeet-oauth2-${process.pid}-`));
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A server whose answers need a token of `tokens`. */
async function guarded(tokens: OAuth2Server): Promise<RunningServer> {
  const server = await serve((request, response) => {
    const accepted = tokens.accepts(request.headers);
    response.writeHead(accepted ? 200 : 401).end(`${request.headers.authorization}`);
  });
  stops.push(() => server.stop());
  return server;
}

function client(oauth2: object): HttpClient {
  const http = createHttpClient(httpClientSchema.parse({ oauth2 }), { timeoutMs: 10_000 });
  stops.push(() => http.close());
  return http;
}

async function start(options: Parameters<typeof startOAuth2Server>[0]): Promise<OAuth2Server> {
  const server = await startOAuth2Server(options);
  stops.push(() => server.stop());
  return server;
}

const get = async (http: HttpClient, url: string) => {
  const { status, body } = await http.request({ method: 'GET', url });
  return `${status} ${body.toString()}`;
};

test.each(['header', 'form'] as const)('requests share a token, client and secret in the %s', async (style) => {
  const tokens = await start({ secret: () => 'p&w ü', style });
  const server = await guarded(tokens);
  const http = client({
    client_id: 'me:too',
    client_secret: 'p&w ü',
    token_url: tokens.url,
    scopes: ['metrics.read', 'metrics.write'],
    endpoint_params: { audience: 'prom' },
  });
  expect(await Promise.all([1, 2, 3].map(() => get(http, server.url)))).toEqual(
    Array.from({ length: 3 }, () => '200 Bearer token-1'),
  );
  expect(await get(http, server.url)).toBe('200 Bearer token-1');
  expect(tokens.requests.at(-1)).toMatchObject({
    grant_type: 'client_credentials',
    scope: 'metrics.read metrics.write',
    audience: 'prom',
  });
  // A server that wants the form refuses the header once.
  expect(tokens.requests).toHaveLength(style === 'header' ? 1 : 2);
  tokens.revoke();
  expect(await get(http, server.url)).toBe('200 Bearer token-2');
  expect(tokens.requests).toHaveLength(style === 'header' ? 2 : 3);
});

test('a token is renewed before it expires', async () => {
  const tokens = await start({ secret: () => 's' });
  const server = await guarded(tokens);
  const http = client({ client_id: 'me:too', client_secret: 's', token_url: tokens.url });
  tokens.expiresIn = 5;
  expect(await get(http, server.url)).toBe('200 Bearer token-1');
  tokens.expiresIn = undefined;
  expect(await get(http, server.url)).toBe('200 Bearer token-2');
  expect(await get(http, server.url)).toBe('200 Bearer token-2');
});

test('a new secret in the file takes effect immediately; a file that vanishes is named', async () => {
  const file = join(folder, 'secret');
  let secret = 'old';
  const tokens = await start({ secret: () => secret });
  const server = await guarded(tokens);
  writeFileSync(file, 'old\n');
  const http = client({ client_id: 'me:too', client_secret_file: file, token_url: tokens.url });
  expect(await get(http, server.url)).toBe('200 Bearer token-1');
  secret = 'new';
  writeFileSync(file, 'new\n');
  expect(await get(http, server.url)).toBe('200 Bearer token-2');
  rmSync(file);
  await expect(get(http, server.url)).rejects.toMatchObject({
    code: 'CREDENTIALS',
    cause: { message: `${file}: no such file` },
  });
});

test("the server's reason is told, the secret is not", async () => {
  const tokens = await start({ secret: () => 'right' });
  const server = await guarded(tokens);
  const http = client({ client_id: 'me:too', client_secret: 'hunter2', token_url: tokens.url });
  const failure = await http.request({ method: 'GET', url: server.url }).catch((error: unknown) => error as Error);
  expect(failure).toMatchObject({
    code: 'CREDENTIALS',
    cause: { message: 'the OAuth 2 server answered with status 401, invalid_client: who are you?' },
  });
  expect(JSON.stringify(failure)).not.toContain('hunter2');
});

test('a token that the server never accepts is asked for once more, not for ever', async () => {
  const tokens = await start({ secret: () => 's' });
  const server = await serve((_request, response) => response.writeHead(401).end());
  stops.push(() => server.stop());
  const http = client({ client_id: 'me:too', client_secret: 's', token_url: tokens.url });
  expect(await get(http, server.url)).toBe('401 ');
  expect(tokens.requests).toHaveLength(1);
});

test('the token server has TLS settings of its own', async () => {
  const authority = makeAuthority(folder);
  const { cert, key } = authority.sign('tokens', 'tokens');
  const tokens = await start({ secret: () => 's', tls: { cert: readFileSync(cert), key: readFileSync(key) } });
  const server = await guarded(tokens);
  const settings = { client_id: 'me:too', client_secret: 's', token_url: tokens.url };
  await expect(get(client(settings), server.url)).rejects.toMatchObject({ code: 'CREDENTIALS' });
  const trusting = client({ ...settings, tls_config: { ca_file: authority.cert } });
  expect(await get(trusting, server.url)).toBe('200 Bearer token-1');
});

test.each([
  [undefined, 'RSA-SHA256'],
  ['RS512', 'RSA-SHA512'],
])('an assertion is signed, with algorithm %s', async (algorithm, digest) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const tokens = await start({ secret: () => '', assertions: { key: publicKey, digest } });
  const server = await guarded(tokens);
  const file = join(folder, `${digest}.key`);
  writeFileSync(file, privateKey);
  const http = client({
    client_id: 'me',
    token_url: tokens.url,
    grant_type: JWT_BEARER,
    client_certificate_key_file: file,
    client_certificate_key_id: 'key-1',
    scopes: ['a', 'b'],
    claims: { team: 'x', level: 3 },
    endpoint_params: { resource: 'r' },
    ...(algorithm !== undefined && { signature_algorithm: algorithm, iss: 'issuer', audience: 'audience' }),
  });
  expect(await get(http, server.url)).toBe('200 Bearer token-1');
  expect(await get(http, server.url)).toBe('200 Bearer token-1');
  const [request] = tokens.requests;
  expect(request).toMatchObject({ scope: 'a b', resource: 'r' });
  const [header, claims] = (request?.['assertion'] ?? '')
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>);
  expect(header).toEqual({ alg: algorithm ?? 'RS256', typ: 'JWT', kid: 'key-1' });
  expect(claims).toMatchObject({
    iss: algorithm === undefined ? 'me' : 'issuer',
    sub: 'me',
    aud: algorithm === undefined ? tokens.url : 'audience',
    scope: 'a b',
    team: 'x',
    level: 3,
  });
  expect(Number(claims?.['exp']) - Number(claims?.['iat'])).toBe(600);
});

test('two requests whose token is revoked at the same time both get a new one', async () => {
  const tokens = await start({ secret: () => 's' });
  const server = await guarded(tokens);
  const http = client({ client_id: 'me:too', client_secret: 's', token_url: tokens.url });
  await get(http, server.url);
  tokens.revoke();
  const answers = await Promise.all([get(http, server.url), get(http, server.url), get(http, server.url)]);
  expect(answers.map((answer) => answer.slice(0, 3))).toEqual(['200', '200', '200']);
});
