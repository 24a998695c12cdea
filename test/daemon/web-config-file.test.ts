import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashSync } from 'bcryptjs';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SERVER_NAMES, SERVERS, type ServerName } from '../../daemon/http-server/testdata/web-server.ts';
import { listen, type Listener } from '../../daemon/http-server/web-app.ts';
import { createLogger } from '../../daemon/logger.ts';
import { WebConfigFile } from '../../daemon/web-config/web-config-file.ts';
import { makeAuthority } from './certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-web-config-file-'));
afterAll(() => rmSync(folder, { recursive: true }));
const authority = makeAuthority(folder);
const stranger = makeAuthority(folder, 'stranger-ca');
const first = authority.sign('first', 'first');
const second = authority.sign('second', 'second');
const client = authority.sign('client', 'client');
const foreign = stranger.sign('foreign', 'foreign');
const file = join(folder, 'web.yaml');

const open: Listener[] = [];
let log: string[] = [];
beforeEach(() => (log = []));
afterEach(async () => {
  await Promise.all(open.splice(0).map((listener) => listener.close()));
});

/** Longer than the kernel's time stamps are exact to: a rename is told from a write by them. */
const TICK_MS = 20;

/** Puts a file in the place of another, like ConfigMaps and editors do. */
function replace(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS);
  renameSync(`${path}.new`, path);
}

const write = (text: string): void => replace(file, text);

const tlsConfig = (more = '', certificate = first) =>
  `tls_server_config:\n  cert_file: ${certificate.cert}\n  key_file: ${certificate.key}\n${more}`;

async function serve(text: string, server: ServerName = 'node:http'): Promise<string> {
  write(text);
  return serveWith(new WebConfigFile(file, createLogger({ level: 'info', write: (line) => log.push(line) })), server);
}

async function serveWith(web: WebConfigFile, server: ServerName = 'node:http'): Promise<string> {
  const app = SERVERS[server]({ before: [web.before] });
  const { createServer } = web;
  const listener = await listen(app, '127.0.0.1:0', createServer && { createServer });
  open.push(listener);
  return `${web.tls ? 'https' : 'http'}://${listener.address}`;
}

interface Curl {
  /** curl's own exit status: 35 handshake, 52 empty answer, 56 broken connection, 60 certificate not trusted. */
  readonly exit: number;
  readonly status: number;
  readonly output: string;
}

/** One request by curl, which trusts the authority. */
async function curl(url: string, ...args: readonly string[]): Promise<Curl> {
  const all = ['-sS', '-v', '--cacert', authority.cert, '-w', '\n%{http_code}', ...args, url];
  return await new Promise((resolve) => {
    execFile('curl', all, (error, stdout, stderr) => {
      const exit = typeof error?.code === 'number' ? error.code : 0;
      resolve({ exit, status: Number(stdout.trimEnd().split('\n').at(-1)), output: stdout + stderr });
    });
  });
}

const withCertificate = ({ cert, key }: typeof client) => ['--cert', cert, '--key', key] as const;

describe('TLS', () => {
  it.each(SERVER_NAMES)('serves its certificate, and no plain text, on %s', async (server) => {
    const url = await serve(tlsConfig(), server);
    expect(await curl(`${url}/metrics`)).toMatchObject({ exit: 0, status: 200 });
    expect((await curl(`${url}/metrics`, '--cacert', stranger.cert)).exit).toBe(60);
    expect((await curl(url.replace('https', 'http'))).exit).not.toBe(0);
  });

  it.each([
    ['  min_version: TLS13\n', ['--tls-max', '1.2'], 35],
    ['  min_version: TLS13\n', ['--tlsv1.3'], 0],
    ['  max_version: TLS12\n', ['--tlsv1.3'], 35],
    ['', ['--tls-max', '1.1'], 35],
    ['  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n', ['--tls-max', '1.2'], 0],
    [
      '  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n',
      ['--tls-max', '1.2', '--ciphers', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
      35,
    ],
    ['  curve_preferences: [CurveP384]\n', ['--curves', 'X25519'], 35],
    ['  curve_preferences: [CurveP384]\n', ['--curves', 'P-384'], 0],
  ])('%j with curl %o ends with %d', async (more, args, exit) => {
    expect((await curl(`${await serve(tlsConfig(more))}/-/healthy`, ...args)).exit).toBe(exit);
  });

  const CA = `  client_ca_file: ${authority.cert}\n`;
  it.each([
    ['RequestClientCert', '', [true, true, true]],
    ['RequireAnyClientCert', '', [false, true, true]],
    ['VerifyClientCertIfGiven', CA, [true, true, false]],
    ['RequireAndVerifyClientCert', CA, [false, true, false]],
  ] as const)('%s accepts no, its own, and a foreign certificate: %o', async (type, ca, expected) => {
    const url = await serve(tlsConfig(`  client_auth_type: ${type}\n${ca}`));
    const answers = [
      await curl(`${url}/metrics`),
      await curl(`${url}/metrics`, ...withCertificate(client)),
      await curl(`${url}/metrics`, ...withCertificate(foreign)),
    ];
    expect(answers.map(({ exit, status }) => exit === 0 && status === 200)).toEqual(expected);
  });

  it.each([
    ['[localhost]', true],
    ['[other, "127.0.0.1"]', true],
    ['[LOCALHOST, "CN=client", client]', false],
    ['[]', false],
  ])('with client_allowed_sans %s accepts a client named localhost: %s', async (names, expected) => {
    const policy = `  client_auth_type: RequireAndVerifyClientCert\n${CA}  client_allowed_sans: ${names}\n`;
    const url = await serve(tlsConfig(policy));
    const { exit, status } = await curl(`${url}/metrics`, ...withCertificate(client));
    expect(exit === 0 && status === 200).toBe(expected);
    expect((await curl(`${url}/metrics`)).exit).not.toBe(0);
  });

  it('takes certificate, key and authority as text', async () => {
    const text = (path: string) => JSON.stringify(readFileSync(path, 'utf8'));
    const url = await serve(`tls_server_config:
  cert: ${text(first.cert)}
  key: ${text(first.key)}
  client_ca: ${text(authority.cert)}
  client_auth_type: RequireAndVerifyClientCert
`);
    expect(await curl(url, ...withCertificate(client))).toMatchObject({ status: 200 });
    expect((await curl(url, ...withCertificate(foreign))).exit).not.toBe(0);
  });
});

it('serves plain text without authentication with an empty file', async () => {
  const url = await serve('');
  expect(url).toMatch('http:');
  expect(await curl(url)).toMatchObject({ status: 200 });
});

describe('the rate limit', () => {
  const status = async (url: string, ...args: readonly string[]) => (await curl(url, ...args)).status;

  it('refuses requests beyond the burst, on each port and before passwords', async () => {
    const users = `basic_auth_users: {alice: ${hashSync('secret', 4)}}\n`;
    write(`rate_limit: {interval: 1h, burst: 2}\n${users}`);
    const web = new WebConfigFile(file, createLogger({ write: (line) => log.push(line) }));
    const urls = [await serveWith(web), await serveWith(web)] as const;
    for (const url of urls) {
      expect(await status(`${url}/-/healthy`, '-u', 'alice:secret')).toBe(200);
      expect(await status(`${url}/-/healthy`)).toBe(401);
      const { status: refused, output } = await curl(`${url}/-/healthy`, '-u', 'alice:secret');
      expect(refused).toBe(429);
      expect(output).toContain('Too Many Requests');
      expect(output).toMatch(/Retry-After: 3[56]\d\d/);
    }
  });

  it('changes with the file, and starts full', async () => {
    const url = await serve('rate_limit: {interval: 1h, burst: 1}\n');
    expect([await status(url), await status(url)]).toEqual([200, 429]);
    write('rate_limit: {interval: 1h, burst: 2}\n');
    expect([await status(url), await status(url), await status(url)]).toEqual([200, 200, 429]);
    write('rate_limit: {interval: 0}\n');
    expect(await status(url)).toBe(200);
  });

  it('allows requests again after the interval', async () => {
    const url = await serve('rate_limit: {interval: 300ms, burst: 1}\n');
    expect([await status(url), await status(url)]).toEqual([200, 429]);
    await vi.waitFor(async () => expect(await status(url)).toBe(200), { interval: 310 });
  });
});

describe('a change', () => {
  it('that is half written does not take effect: without its users, the page would be open', async () => {
    const users = `basic_auth_users:\n  alice: ${hashSync('secret', 4)}\n`;
    const url = await serve(users);
    const half = 'http_server_config:\n  headers: {X-Frame-Options: deny}\n';
    writeFileSync(file, half);
    expect(await curl(url)).toMatchObject({ status: 401 });
    writeFileSync(file, half + users);
    await vi.waitFor(
      async () => {
        const { status, output } = await curl(url);
        expect(status).toBe(401);
        expect(output).toContain('X-Frame-Options: deny');
      },
      { timeout: 5000 },
    );
  });

  it('of the content or name of the certificate takes effect from the next connection', async () => {
    const current = { cert: join(folder, 'current.crt'), key: join(folder, 'current.key') };
    const use = ({ cert, key }: typeof client) => {
      replace(current.cert, readFileSync(cert));
      replace(current.key, readFileSync(key));
    };
    use(first);
    const url = await serve(tlsConfig('', current));
    expect((await curl(url)).output).toContain('CN=first');
    use(second);
    expect((await curl(url)).output).toContain('CN=second');
    write(tlsConfig('', first));
    expect((await curl(url)).output).toContain('CN=first');
  });

  it('applies to every server of the program', async () => {
    write(tlsConfig());
    const web = new WebConfigFile(file, createLogger({ write: (line) => log.push(line) }));
    const urls = [await serveWith(web), await serveWith(web)];
    write(tlsConfig('', second));
    for (const url of urls) expect((await curl(url)).output).toContain('CN=second');
    await open.shift()?.close();
    write(tlsConfig());
    expect((await curl(urls[1] ?? '')).output).toContain('CN=first');
  });

  it('of the policy on client certificates takes effect as well', async () => {
    const url = await serve(tlsConfig());
    expect(await curl(`${url}/metrics`)).toMatchObject({ status: 200 });
    write(tlsConfig(`  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ${authority.cert}\n`));
    expect((await curl(`${url}/metrics`)).exit).not.toBe(0);
    expect(await curl(`${url}/metrics`, ...withCertificate(client))).toMatchObject({ status: 200 });
    write(tlsConfig());
    expect(await curl(`${url}/metrics`)).toMatchObject({ status: 200 });
  });

  it('that is invalid keeps the last valid state, and is logged once', async () => {
    const url = await serve(tlsConfig());
    write('tls_server_config: {cert_file: later.crt, key_file: later.key}\n');
    for (let index = 0; index < 3; index++) expect((await curl(url)).output).toContain('CN=first');
    expect(log).toHaveLength(1);
    expect(log[0]).toContain('web configuration rejected, using the last valid one');
    expect(log[0]).toContain('tls_server_config.cert_file: not readable');
    copyFileSync(second.cert, join(folder, 'later.crt'));
    copyFileSync(second.key, join(folder, 'later.key'));
    expect((await curl(url)).output).toContain('CN=second');
    expect(log.slice(1).map((line) => /msg="([^"]*)"/.exec(line)?.[1])).toEqual([
      'web configuration is valid again',
      'web configuration loaded',
    ]);
  });

  it('between TLS and plain text requires a restart', async () => {
    const url = await serve(tlsConfig());
    write('{}\n');
    expect(await curl(url)).toMatchObject({ status: 200 });
    expect(log[0]).toContain('enabling or disabling TLS requires a restart');
  });
});

describe.each(SERVER_NAMES)('basic auth on %s', (server) => {
  const users = (password: string) => `basic_auth_users:\n  alice: ${hashSync(password, 4)}\n`;

  it.each(['/', '/metrics', '/-/healthy', '/-/reload', '/nowhere'])('asks at %s', async (path) => {
    const url = await serve(users('secret'), server);
    const { status, output } = await curl(url + path);
    expect(status).toBe(401);
    expect(output).toContain('WWW-Authenticate: Basic');
    expect((await curl(url + path, '-u', 'alice:secret')).status).not.toBe(401);
  });

  it.each(['alice:wrong', 'mallory:secret', ':', 'alice:'])('refuses %s', async (credentials) => {
    expect((await curl(`${await serve(users('secret'), server)}/metrics`, '-u', credentials)).status).toBe(401);
  });

  it.each(['Basic', 'Basic !!!', 'Basic YWxpY2U=', 'Bearer YWxpY2U6c2VjcmV0', 'YWxpY2U6c2VjcmV0'])(
    'rejects the header %j',
    async (header) => {
      const url = `${await serve(users('secret'), server)}/metrics`;
      expect((await curl(url, '-H', `Authorization: ${header}`)).status).toBe(401);
    },
  );

  it('accepts colons and non-ASCII letters in passwords', async () => {
    const url = await serve(users('pä:ss:wörd'), server);
    expect(await curl(`${url}/metrics`, '-u', 'alice:pä:ss:wörd')).toMatchObject({ status: 200 });
  });

  it('changes with the file', async () => {
    const url = `${await serve(users('old'), server)}/metrics`;
    expect(await curl(url, '-u', 'alice:old')).toMatchObject({ status: 200 });
    write(users('new'));
    expect(await curl(url, '-u', 'alice:old')).toMatchObject({ status: 401 });
    expect(await curl(url, '-u', 'alice:new')).toMatchObject({ status: 200 });
    write('{}\n');
    expect(await curl(url)).toMatchObject({ status: 200 });
  });

  it('is sent with the headers of the file, including on rejection', async () => {
    const url = await serve(`${users('secret')}http_server_config: {headers: {X-Frame-Options: deny}}\n`, server);
    expect((await curl(`${url}/metrics`)).output).toContain('X-Frame-Options: deny');
    expect((await curl(`${url}/metrics`, '-u', 'alice:secret')).output).toContain('X-Frame-Options: deny');
  });
});

it.each([
  [`tls_server_config: {cert_file: none.crt, key_file: ${first.key}}`, 'tls_server_config.cert_file: not readable'],
  [`tls_server_config: {cert_file: ${first.cert}, key_file: ${second.key}}`, 'cannot use certificate and key'],
  ['colour: red', 'colour: unknown key'],
])('refuses to start with %j', async (text, message) => {
  await expect(serve(text)).rejects.toThrow(message);
});
