import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as forward, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { readRequestBody } from '../testserver/http.ts';
import type { HttpClient } from '../../daemon/http-client/client.ts';
import { httpBed } from './http-bed.ts';

const { folder, client, start, tunnel } = httpBed('http');

/** A key and a certificate; signed by `ca` or by itself. */
function certificate(name: string, subject: string, ca?: string): { readonly key: string; readonly cert: string } {
  const key = join(folder, `${name}.key`);
  const cert = join(folder, `${name}.crt`);
  const sign = ca === undefined ? [] : ['-CA', join(folder, `${ca}.crt`), '-CAkey', join(folder, `${ca}.key`)];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      .concat(['-keyout', key, '-out', cert, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${subject}`])
      .concat(ca === undefined ? [] : ['-addext', 'basicConstraints=critical,CA:FALSE'])
      .concat(sign),
    { stdio: 'pipe' },
  );
  return { key, cert };
}

const pem = ({ key, cert }: { readonly key: string; readonly cert: string }) => ({
  key: readFileSync(key),
  cert: readFileSync(cert),
});

test('sends method, headers and body, returns any status with headers and bytes', async () => {
  const server = await start((request, response) => {
    void readRequestBody(request).then((body) => {
      response.writeHead(418, {
        'x-got': `${request.method} ${String(request.headers['x-scope-orgid'])} ${request.headers['user-agent']}`,
      });
      response.end(Buffer.concat([Buffer.from([0, 255]), body]));
    });
  });
  const response = await client({ headers: { 'X-Scope-OrgID': 'one' } }, { userAgent: 'lorikeet/1' }).request({
    method: 'POST',
    url: server.url,
    body: new Uint8Array([1, 2]),
  });
  expect(response.status).toBe(418);
  expect(response.headers['x-got']).toBe('POST one lorikeet/1');
  expect([...response.body]).toEqual([0, 255, 1, 2]);
});

test('keeps its connection alive', async () => {
  let connections = 0;
  const server = await start((_request, response) => response.end('ok'));
  server.server.on('connection', () => connections++);
  const http = client();
  for (let i = 0; i < 20; i++) await http.request({ method: 'GET', url: server.url });
  // A second one is opened if a request is sent before the first connection has returned to the pool.
  expect(connections).toBeLessThanOrEqual(2);
});

test('a reused connection that breaks before the response is replaced', async () => {
  const served = new WeakSet<object>();
  let broken = 0;
  const server = await start((request, response) => {
    if (served.has(request.socket) && broken === 0) {
      broken++;
      request.socket.destroy();
      return;
    }
    served.add(request.socket);
    response.end('ok');
  });
  const http = client();
  for (let i = 0; i < 10; i++) {
    expect((await http.request({ method: 'GET', url: server.url })).body.toString()).toBe('ok');
  }
  expect(broken).toBe(1);
});

test('basic auth and credentials are read from their files for each request', async () => {
  const server = await start((request, response) => response.end(request.headers.authorization));
  const secret = join(folder, 'secret');
  const basic = client({ basic_auth: { username: 'me', password_file: secret } });
  const bearer = client({ authorization: { credentials_file: secret } });
  const ask = async (http: HttpClient) => (await http.request({ method: 'GET', url: server.url })).body.toString();
  for (const password of ['first', 'second']) {
    writeFileSync(secret, `${password}\n`);
    expect(await ask(basic)).toBe(`Basic ${Buffer.from(`me:${password}`).toString('base64')}`);
    expect(await ask(bearer)).toBe(`Bearer ${password}`);
  }
  rmSync(secret);
  await expect(ask(bearer)).rejects.toMatchObject({ name: 'HttpError', code: 'CREDENTIALS' });
});

test('TLS is verified against the CA file, follows its rotation, and can be disabled', async () => {
  const first = certificate('first', 'IP:127.0.0.1');
  const second = certificate('second', 'DNS:prometheus.example');
  const one = await start((_request, response) => response.end('one'), pem(first));
  const two = await start((_request, response) => response.end('two'), pem(second));
  const get = async (http: HttpClient, url: string) => (await http.request({ method: 'GET', url })).body.toString();

  await expect(get(client(), one.url)).rejects.toMatchObject({ code: 'CONNECT' });
  expect(await get(client({ tls_config: { insecure_skip_verify: true } }), one.url)).toBe('one');

  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, readFileSync(first.cert));
  const verified = client({ tls_config: { ca_file: caFile } });
  const named = client({ tls_config: { ca_file: caFile, server_name: 'prometheus.example' } });
  expect(await get(verified, one.url)).toBe('one');
  await expect(get(named, two.url)).rejects.toMatchObject({ code: 'CONNECT' });
  writeFileSync(caFile, readFileSync(second.cert));
  expect(await get(named, two.url)).toBe('two');
  await expect(get(verified, two.url)).rejects.toMatchObject({ code: 'CONNECT' });
});

test('sends its client certificate', async () => {
  certificate('authority', 'DNS:authority');
  const own = certificate('client', 'DNS:client', 'authority');
  const served = certificate('server', 'IP:127.0.0.1', 'authority');
  const ca = readFileSync(join(folder, 'authority.crt'));
  const server = await start((_request, response) => response.end('in'), { ...pem(served), ca, requestCert: true });
  const tls = { ca_file: join(folder, 'authority.crt') };
  await expect(client({ tls_config: tls }).request({ method: 'GET', url: server.url })).rejects.toMatchObject({
    code: 'CONNECT',
  });
  const shown = client({ tls_config: { ...tls, cert_file: own.cert, key_file: own.key } });
  expect((await shown.request({ method: 'GET', url: server.url })).body.toString()).toBe('in');
});

test('the proxy gets http requests directly and https through a tunnel', async () => {
  const cert = certificate('proxied', 'IP:127.0.0.1');
  const plain = await start((request, response) => response.end(`plain ${request.headers.authorization}`));
  const secure = await start((request, response) => response.end(`secure ${request.headers.authorization}`), pem(cert));
  const seen: string[] = [];
  const proxy = await start((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization']}`);
    const { 'proxy-authorization': _own, ...headers } = request.headers;
    forward(request.url ?? '', { method: request.method ?? 'GET', headers }, (answer) => {
      answer.pipe(response);
    }).end();
  });
  proxy.server.on('connect', (request: IncomingMessage, socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization']}`);
    tunnel(socket, Number(request.url?.split(':')[1]));
  });
  const http = client({
    proxy_url: proxy.url.replace('://', '://me:pw@'),
    authorization: { credentials: 'x' },
    tls_config: { ca_file: cert.cert },
  });
  const get = async (url: string) => (await http.request({ method: 'GET', url })).body.toString();
  expect(await get(`${plain.url}/a`)).toBe('plain Bearer x');
  expect(await get(secure.url)).toBe('secure Bearer x');
  const basic = `Basic ${Buffer.from('me:pw').toString('base64')}`;
  expect(seen).toEqual([`GET ${plain.url}/a ${basic}`, `CONNECT 127.0.0.1:${secure.port} ${basic}`]);
});

test('redirects keep method and body, but secrets stay with their origin', async () => {
  const other = await start((request, response) => {
    void readRequestBody(request).then((body) => {
      response.end(
        `${request.method} ${body.toString()} ${request.headers.authorization} ${String(request.headers['x-scope-orgid'])}`,
      );
    });
  });
  const server = await start((request, response) => {
    if (request.url === '/here') return response.end(`here ${request.headers.authorization}`);
    if (request.url === '/loop') return response.writeHead(302, { location: '/loop' }).end();
    if (request.url === '/near') return response.writeHead(302, { location: '/here' }).end();
    return response.writeHead(307, { location: other.url }).end();
  });
  const settings = { authorization: { credentials: 'x' }, headers: { 'X-Scope-OrgID': 'one' } };
  const http = client(settings);
  const post = async (path: string) => {
    const response = await http.request({ method: 'POST', url: server.url + path, body: 'q' });
    return response.body.toString();
  };
  expect(await post('/near')).toBe('here Bearer x');
  expect(await post('/away')).toBe('POST q undefined undefined');
  await expect(post('/loop')).rejects.toMatchObject({ code: 'PROTOCOL' });
  const stays = client({ ...settings, follow_redirects: false });
  expect((await stays.request({ method: 'GET', url: `${server.url}/near` })).status).toBe(302);
});

test('each kind of failure has its code', async () => {
  const hanging = await start(() => undefined);
  const stalling = await start((_request, response) => void response.write('some'));
  const large = await start((_request, response) => response.end(Buffer.alloc(100_000)));
  const zipped = await start((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
  const broken = await start((request) => void request.socket.end('HTTP/1.1 nonsense\r\n\r\n'));
  const http = client();
  const get = (url: string, more: object = {}) => http.request({ method: 'GET', url, ...more });
  await expect(get(hanging.url, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  await expect(get(stalling.url, { timeoutMs: 50 })).rejects.toMatchObject({ code: 'TIMEOUT' });
  await expect(get(large.url, { maxBytes: 99_999 })).rejects.toMatchObject({ code: 'TOO_LARGE' });
  expect((await get(large.url, { maxBytes: 100_000 })).body.length).toBe(100_000);
  await expect(get(zipped.url)).rejects.toMatchObject({ code: 'PROTOCOL' });
  await expect(get(broken.url)).rejects.toMatchObject({ code: 'PROTOCOL' });
  await expect(get(`http://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({ code: 'CONNECT' });

  const abort = new AbortController();
  const waiting = get(hanging.url, { signal: abort.signal });
  abort.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(get(large.url, { signal: abort.signal })).rejects.toMatchObject({ code: 'ABORTED' });
});

test('close aborts pending and later requests', async () => {
  const hanging = await start(() => undefined);
  const http = client();
  const waiting = http.request({ method: 'GET', url: hanging.url });
  const refused = expect(waiting).rejects.toMatchObject({ code: 'ABORTED' });
  await http.close();
  await refused;
  await expect(http.request({ method: 'GET', url: hanging.url })).rejects.toMatchObject({ code: 'ABORTED' });
  await http.close();
});
