import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { HttpClient } from '../../daemon/http-client/client.ts';
import { makeAuthority } from './certificates.ts';
import { httpBed } from './http-bed.ts';

const { folder, client, start, tunnel } = httpBed('http-config');
const authority = makeAuthority(folder);
const read = async (http: HttpClient, url: string) => (await http.request({ method: 'GET', url })).body.toString();
const authorization = (request: IncomingMessage, response: ServerResponse) =>
  response.end(String(request.headers.authorization));
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('user and password in a URL are sent as basic auth, also after a redirect to the same origin', async () => {
  const server = await start((request, response) => {
    if (request.url === '/away') return void response.writeHead(307, { location: other.url }).end();
    if (request.url === '/near') return void response.writeHead(307, { location: '/there' }).end();
    response.end(`${request.url} ${request.headers.authorization}`);
  });
  const other = await start(authorization);
  const withUser = (path: string) => `${server.url.replace('://', '://me:p%40ss@')}${path}`;
  expect(await read(client(), withUser('/here?a=b'))).toBe(`/here?a=b ${basic('me:p@ss')}`);
  expect(await read(client(), withUser('/near'))).toBe(`/there ${basic('me:p@ss')}`);
  expect(await read(client(), withUser('/away'))).toBe('undefined');
});

test('name, password and token are read from files, and a file that vanished is named', async () => {
  const server = await start(authorization);
  const [name, password] = [join(folder, 'name'), join(folder, 'password')];
  writeFileSync(name, 'me\n');
  writeFileSync(password, 'pass\n');
  const http = client({ basic_auth: { username_file: name, password_file: password } });
  expect(await read(http, server.url)).toBe(basic('me:pass'));
  expect(await read(client({ bearer_token: 't' }), server.url)).toBe('Bearer t');
  expect(await read(client({ bearer_token_file: password }), server.url)).toBe('Bearer pass');
  rmSync(name);
  await expect(read(http, server.url)).rejects.toMatchObject({
    code: 'CREDENTIALS',
    cause: { message: `${name}: no such file` },
  });
});

test('http_headers has values, secrets and files', async () => {
  const server = await start((request, response) =>
    response.end(JSON.stringify(request.rawHeaders.filter((_, at, all) => /^x-/i.test(all[at - (at % 2)] ?? '')))),
  );
  const file = join(folder, 'header');
  writeFileSync(file, 'from a file\n');
  const http = client({
    headers: { 'X-Scope-OrgID': 'one' },
    http_headers: { 'X-Several': { values: ['a', 'b'], secrets: ['c'], files: [file] } },
  });
  const expected = ['x-scope-orgid', 'one', ...['a', 'b', 'c', 'from a file'].flatMap((value) => ['x-several', value])];
  expect(JSON.parse(await read(http, server.url))).toEqual(expected);
  writeFileSync(file, 'new\n');
  expect(await read(http, server.url)).toContain('"new"');
});

test('asks for gzip, and reads it within the limit of the uncompressed size', async () => {
  const text = 'x'.repeat(1_000_000);
  const server = await start((request, response) => {
    const { url = '', headers } = request;
    if (url === '/empty') return void response.writeHead(204, { 'content-encoding': 'gzip' }).end();
    const zipped = gzipSync(text);
    const body = url === '/cut' ? zipped.subarray(0, zipped.length / 2) : url === '/bad' ? Buffer.from('x') : zipped;
    if (headers['accept-encoding'] !== 'gzip') return void response.end('not asked for');
    response.writeHead(200, { 'content-encoding': url === '/br' ? 'br' : 'gzip' }).end(body);
  });
  const http = client();
  expect(await read(http, server.url)).toBe(text);
  expect(await read(http, `${server.url}/empty`)).toBe('');
  const chunks: Buffer[] = [];
  const onBody = (chunk: Buffer) => void chunks.push(chunk);
  expect((await http.request({ method: 'GET', url: server.url, onBody })).body).toHaveLength(0);
  expect(Buffer.concat(chunks).toString()).toBe(text);
  const limited = (maxBytes: number) => http.request({ method: 'GET', url: server.url, maxBytes });
  expect((await limited(1_000_000)).body).toHaveLength(1_000_000);
  await expect(limited(999_999)).rejects.toMatchObject({ code: 'TOO_LARGE' });
  for (const path of ['/bad', '/cut', '/br']) {
    await expect(read(http, server.url + path)).rejects.toMatchObject({ code: 'PROTOCOL' });
  }
  expect(await read(http, server.url)).toBe(text);
});

test('TLS versions are those of the settings; certificates may stand in them', async () => {
  const { cert, key } = authority.sign('tls', 'tls');
  const [ca, pem, pemKey] = [authority.cert, cert, key].map((file) => readFileSync(file, 'utf8'));
  const tls = { cert: pem, key: pemKey, ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  const version = (_request: IncomingMessage, response: ServerResponse) =>
    response.end((response.socket as unknown as { getProtocol(): string }).getProtocol());
  const all = await start(version, { ...tls, minVersion: 'TLSv1' });
  const old = await start(version, { ...tls, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' });
  const get = (settings: object, { url } = all) => read(client({ tls_config: { ca, ...settings } }), url);
  expect(await get({})).toBe('TLSv1.3');
  expect(await get({ max_version: 'TLS12' })).toBe('TLSv1.2');
  expect(await get({ min_version: 'TLS10', max_version: 'TLS10' })).toBe('TLSv1');
  await expect(get({}, old)).rejects.toMatchObject({ code: 'CONNECT' });
  await expect(get({ min_version: 'TLS12' }, old)).rejects.toMatchObject({ code: 'CONNECT' });
  expect(await get({ min_version: 'TLS11' }, old)).toBe('TLSv1.1');

  const asking = await start(
    (request, response) => {
      const peer = (
        request.socket as unknown as { getPeerCertificate(): { subject: { CN: string } } }
      ).getPeerCertificate();
      response.end(peer.subject.CN);
    },
    { ...tls, ca, requestCert: true, rejectUnauthorized: true },
  );
  expect(await get({ cert: pem, key: pemKey }, asking)).toBe('tls');
});

test('proxy_connect_header is sent with CONNECT only, no_proxy is not proxied', async () => {
  const { cert, key } = authority.sign('proxied', 'proxied');
  const secure = await start((request, response) => response.end(`secure ${String(request.headers['x-via'])}`), {
    cert: readFileSync(cert),
    key: readFileSync(key),
  });
  const seen: string[] = [];
  const proxy = await start((request, response) => {
    seen.push(`${request.method} ${request.url} ${String(request.headers['x-via'])}`);
    response.end('proxied');
  });
  proxy.server.on('connect', (request: IncomingMessage, socket) => {
    seen.push(`CONNECT ${request.url} ${String(request.headers['x-via'])}`);
    tunnel(socket, secure.port);
  });
  const settings = {
    proxy_url: proxy.url,
    no_proxy: '10.0.0.0/8',
    proxy_connect_header: { 'X-Via': ['a', 'b'] },
    tls_config: { ca_file: authority.cert, server_name: 'localhost' },
  };
  const http = client(settings);
  expect(await read(http, 'https://prometheus.example:9443/x')).toBe('secure undefined');
  expect(await read(http, 'http://prometheus.example/x')).toBe('proxied');
  expect(seen).toEqual(['CONNECT prometheus.example:9443 a, b', 'GET http://prometheus.example/x undefined']);
  // Loopback addresses are excepted as soon as there is a list of exceptions.
  expect(await read(http, secure.url)).toBe('secure undefined');
  expect(seen).toHaveLength(2);
});
