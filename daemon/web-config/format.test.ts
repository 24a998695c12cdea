import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readWebConfig } from './format.ts';
import { opensslCipher } from './ciphers.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-web-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'web.yaml');

function read(text: string) {
  writeFileSync(file, text);
  return readWebConfig(file);
}

const HASH = '$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG';
const TLS = 'tls_server_config:\n  cert_file: server.crt\n  key_file: /etc/server.key\n';

describe('readWebConfig', () => {
  it('has defaults', () => {
    expect(read('{}')).toEqual({ tls: undefined, headers: {}, users: new Map(), rateLimit: undefined });
    expect(read(TLS).tls).toEqual({
      cert: undefined,
      key: undefined,
      client_ca: undefined,
      cert_file: join(folder, 'server.crt'),
      key_file: '/etc/server.key',
      client_ca_file: undefined,
      client_allowed_sans: undefined,
      client_auth_type: 'NoClientCert',
      min_version: 'TLS12',
      max_version: 'TLS13',
      cipher_suites: [],
      curve_preferences: [],
      prefer_server_cipher_suites: true,
    });
  });

  it('reads all of it', () => {
    const { tls, headers, users } = read(`${TLS}  client_ca_file: certificates/ca.crt
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305]
  curve_preferences: [CurveP256]
  prefer_server_cipher_suites: false
http_server_config:
  http2: false
  headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=31536000}
basic_auth_users:
  alice: ${HASH}
  "übel:not": ${HASH}
`);
    expect(tls).toMatchObject({
      client_ca_file: join(folder, 'certificates/ca.crt'),
      client_auth_type: 'RequireAndVerifyClientCert',
      min_version: 'TLS13',
      cipher_suites: ['TLS_AES_128_GCM_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
      curve_preferences: ['P-256'],
      prefer_server_cipher_suites: false,
    });
    expect(headers).toEqual({ 'X-Frame-Options': 'deny', 'Strict-Transport-Security': 'max-age=31536000' });
    expect(users).toEqual(
      new Map([
        ['alice', HASH],
        ['übel:not', HASH],
      ]),
    );
  });

  it.each([
    '',
    '\n',
    '# nothing\n',
    '---\n',
    'tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n',
    'tls_server_config: {}\nhttp_server_config: {}\nbasic_auth_users: {}\nrate_limit: {}\n',
    'tls_server_config: {min_version: TLS13, cert_file: "", client_auth_type: ""}\n',
    'http_server_config: {headers: {Content-Security-Policy: "", X-XSS-Protection: }}\n',
    'rate_limit: {interval: 0, burst: 7}\n',
    'rate_limit: {burst: 7}\n',
  ])('has neither TLS nor users nor a limit in %j', (text) => {
    expect(read(text)).toEqual({ tls: undefined, headers: {}, users: new Map(), rateLimit: undefined });
  });

  it('reads texts in the place of files, and the names of clients', () => {
    const text = 'tls_server_config: {cert: C, key: K, client_ca: A, client_allowed_sans: [a.example]';
    expect(read(`${text}, client_auth_type: RequireClientCert}`).tls).toMatchObject({
      cert: 'C',
      key: 'K',
      client_ca: 'A',
      client_auth_type: 'RequireAnyClientCert',
      client_allowed_sans: ['a.example'],
    });
  });

  it.each([
    ['{interval: 1s, burst: 20}', { intervalMs: 1000, burst: 20 }],
    ['{interval: 1m30s, burst: 1}', { intervalMs: 90_000, burst: 1 }],
  ])('reads the rate limit %s', (text, limit) => expect(read(`rate_limit: ${text}`).rateLimit).toEqual(limit));

  it.each([
    ['colour: red', 'colour: unknown key'],
    [`${TLS}  ca_file: x`, 'tls_server_config.ca_file: unknown key'],
    ['tls_server_config: {cert_file: a}', 'tls_server_config.key_file: missing, expected a file name, or key'],
    [`${TLS}  client_auth_type: Maybe`, 'tls_server_config.client_auth_type: expected NoClientCert, Request'],
    [`${TLS}  client_auth_type: RequireAndVerifyClientCert`, 'tls_server_config.client_ca_file: missing, expected a'],
    [`${TLS}  client_ca_file: ca.crt`, 'tls_server_config.client_auth_type: expected a client_auth_type that requests'],
    [`${TLS}  min_version: SSL3`, 'min_version: expected TLS10, TLS11, TLS12, TLS13, got "SSL3"'],
    [`${TLS}  max_version: TLS11`, 'min_version: expected no more than max_version, TLS11, got "TLS12"'],
    [
      `${TLS}  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]`,
      'cipher_suites[0]: expected a supported cipher suite such as',
    ],
    [`${TLS}  curve_preferences: [P-256]`, 'curve_preferences[0]: expected CurveP256, CurveP384'],
    ['http_server_config: {headers: {X-Frame-Options: allow}}', 'X-Frame-Options: expected deny or sameorigin, got'],
    ['http_server_config: {headers: {Server: me}}', 'headers.Server: expected one of Strict-Transport-Security'],
    ['tls_server_config: {min_version: SSL3}', 'min_version: expected TLS10'],
    ['tls_server_config: {key: x}', 'tls_server_config.cert_file: missing, expected a file name, or cert'],
    ['tls_server_config: {client_auth_type: NoClientCert}', 'cert_file: missing, expected a file name, or cert'],
    [`${TLS}  client_ca: x`, 'tls_server_config.client_auth_type: expected a client_auth_type that requests'],
    [
      `${TLS}  client_allowed_sans: [a]`,
      'client_auth_type: expected RequireAnyClientCert or RequireAndVerifyClientCert',
    ],
    ['rate_limit: {interval: 1s}', 'rate_limit.burst: expected 1 or more: otherwise no request is ever allowed, got 0'],
    [
      'rate_limit: {interval: 5, burst: 1}',
      'rate_limit.interval: expected a duration such as 1s or 500ms, or 0, got 5',
    ],
    ['rate_limit: {interval: -1s, burst: 1}', 'rate_limit.interval: expected a duration such as 1s or 500ms, or 0'],
    ['rate_limit: {interval: 1s, burst: 1.5}', 'rate_limit.burst: expected'],
    ['rate_limit: {rate: 1s}', 'rate_limit.rate: unknown key'],
    ['basic_auth_users: {alice: }', 'basic_auth_users.alice: expected a bcrypt hash'],
    ['http_server_config: {gzip: true}', 'http_server_config.gzip: unknown key'],
    ['basic_auth_users: [alice]', 'basic_auth_users: expected record, got a list'],
    ['- a', 'expected'],
    ['a: [', 'not valid YAML'],
  ])('refuses %j', (text, message) => expect(() => read(text)).toThrow(message));

  it.each(['hunter2', '12345', '$2y$99$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG'])(
    'refuses a password in the place of a hash without repeating it: %s',
    (password) => {
      const message = `${file}: basic_auth_users.alice: expected a bcrypt hash, got "something else"`;
      expect(() => read(`basic_auth_users: {alice: ${password}}`)).toThrow(message);
    },
  );

  it('names a file that is missing', () => {
    expect(() => readWebConfig(join(folder, 'none.yaml'))).toThrow('none.yaml: no such file');
  });
});

describe('opensslCipher', () => {
  it.each([
    ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
    ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
    ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256'],
    ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
    ['TLS_RSA_WITH_AES_256_GCM_SHA384', 'AES256-GCM-SHA384'],
    ['TLS_RSA_WITH_AES_128_CBC_SHA', 'AES128-SHA'],
    ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
    ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
    ['TLS_RSA_WITH_RC4_128_SHA', undefined],
    ['ECDHE-RSA-AES128-GCM-SHA256', undefined],
    ['TLS_AES_1_GCM', undefined],
  ])('%s is %s', (name, cipher) => expect(opensslCipher(name)).toBe(cipher));
});
