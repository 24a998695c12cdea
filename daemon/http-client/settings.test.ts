import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseConfig } from '../config-file.ts';
import { httpClientSchema } from './settings.ts';
import { JWT_BEARER } from './settings/credentials.ts';
import { checkHttpClientFiles, resolveHttpClientFiles } from './settings/files.ts';

const parse = (yaml: string) => parseConfig('scorer.yaml', yaml, httpClientSchema);

test('nothing set means verified TLS, redirects followed, no headers, no proxy', () => {
  expect(parse('{}')).toEqual({
    headers: {},
    http_headers: {},
    follow_redirects: true,
    enable_http2: true,
    proxy_from_environment: false,
  });
  expect(parse('tls_config: {}').tls_config).toEqual({ insecure_skip_verify: false });
});

const OAUTH2 = 'client_id: a, token_url: "http://t"';
const ID = '8f6d2a3e-0000-4000-8000-000000000001';

test.each([
  ['basic_auth: {username: a, password: b}'],
  ['basic_auth: {username_file: a, password_file: b}'],
  ['bearer_token: x'],
  ['bearer_token_file: x'],
  [`oauth2: {${OAUTH2}, client_secret_file: s, scopes: [a], endpoint_params: {b: c}, proxy_url: "http://p"}`],
  ['sigv4:'],
  ['sigv4: {region: eu-west-1, profile: p, role_arn: r}'],
  [`azuread: {cloud: AzureChina, managed_identity: {client_id: ${ID}}}`],
  [`azuread: {oauth: {client_id: ${ID}, client_secret: s, tenant_id: t}}`],
  [`azuread: {workload_identity: {client_id: ${ID}, tenant_id: t}}`],
  ['azuread: {sdk: }'],
  [`azuread: {certificate: {client_id: ${ID}, tenant_id: t, certificate_path: c, certificate_key_path: k}}`],
  [`oauth2: {${OAUTH2}, grant_type: "${JWT_BEARER}", client_certificate_key_file: k, claims: {a: 1}}`],
  ['azuread: {cloud: {name: AzureCustom, aad_endpoint: "https://a", token_audience: b}, sdk: {tenant_id: t}}'],
  ['tls_config: {min_version: TLS10, max_version: TLS13, server_name: a, ca: x, cert: y, key: z}'],
  ['{proxy_url: "http://me:pw@p:3128", no_proxy: "a,b", proxy_connect_header: {X-A: [b]}}'],
  ['{proxy_from_environment: true, proxy_connect_header: {X-A: [b]}}'],
  ['{enable_http2: false, follow_redirects: false}'],
  ['http_headers: {X-A: {values: [a], secrets: [b], files: [c]}}'],
])('accepts %s', (yaml) => {
  expect(parse(yaml)).toBeDefined();
});

test.each([
  ['basic_auth: {user: a}', 'scorer.yaml: basic_auth.user: unknown key'],
  ['bearer: x', 'scorer.yaml: bearer: unknown key'],
  ['basic_auth: {username: a, password: b, password_file: c}', 'expected password or password_file, not both'],
  ['basic_auth: {username: a, username_file: c}', 'expected username or username_file, not both'],
  ['basic_auth: {username: "a:b"}', 'expected a name without a colon'],
  ['authorization: {type: Basic, credentials: x}', 'for basic use basic_auth'],
  ['authorization: {}', 'expected one of credentials and credentials_file'],
  ['authorization: {credentials: a, credentials_file: b}', 'expected one of credentials and credentials_file'],
  ['{basic_auth: {username: a}, authorization: {credentials: b}}', 'expected basic_auth or authorization, not both'],
  ['{bearer_token: a, bearer_token_file: b}', 'expected bearer_token or bearer_token_file, not both'],
  [`{bearer_token: a, sigv4: {}, oauth2: {${OAUTH2}}}`, 'expected bearer_token or oauth2 or sigv4, not more than one'],
  ['oauth2: {client_id: a}', 'scorer.yaml: oauth2.token_url: missing'],
  [`oauth2: {${OAUTH2}, grant_type: password}`, 'oauth2.grant_type: expected client_credentials or urn:'],
  [
    `oauth2: {${OAUTH2}, grant_type: "${JWT_BEARER}"}`,
    'expected client_certificate_key or client_certificate_key_file',
  ],
  [`oauth2: {${OAUTH2}, signature_algorithm: ES256}`, 'oauth2.signature_algorithm: expected RS256, RS384 or RS512'],
  [`oauth2: {${OAUTH2}, client_secret: a, client_secret_file: b}`, 'expected client_secret or client_secret_file'],
  [`oauth2: {${OAUTH2}, no_proxy: a}`, 'scorer.yaml: oauth2.no_proxy: expected proxy_url with it'],
  ['sigv4: {access_key: a}', 'expected access_key and secret_key together'],
  ['sigv4: {external_id: a}', 'scorer.yaml: sigv4.external_id: expected role_arn with it'],
  ['sigv4: {tags: {a: b}}', 'scorer.yaml: sigv4.tags: expected role_arn with it'],
  ['azuread: {}', 'expected one of managed_identity, oauth, workload_identity, certificate, sdk'],
  ['azuread: {sdk: {}, managed_identity: {}}', 'expected managed_identity or sdk, not both'],
  ['azuread: {managed_identity: {client_id: a}}', 'azuread.managed_identity.client_id: expected a UUID'],
  [
    'azuread: {cloud: {name: AzureCustom, aad_endpoint: x}, sdk: {}}',
    'azuread.cloud.aad_endpoint: expected an http(s)',
  ],
  ['tls_config: {cert_file: a}', 'expected cert_file and key_file together'],
  ['tls_config: {ca_file: a, ca: b}', 'expected ca or ca_file, not both'],
  ['tls_config: {insecure_skip_verify: "yes"}', 'scorer.yaml: tls_config.insecure_skip_verify: expected'],
  ['tls_config: {min_version: TLS14}', 'scorer.yaml: tls_config.min_version: expected TLS10, TLS11, TLS12, TLS13'],
  ['tls_config: {min_version: TLS13, max_version: TLS12}', 'tls_config.min_version: expected no more than max_version'],
  ['tls_config: {max_version: TLS11}', 'tls_config.max_version: expected min_version with it'],
  ['headers: {Content-Encoding: gzip}', 'scorer.yaml: headers.Content-Encoding: this header is set by the program'],
  ['headers: {X-Tenant: "a\\nb"}', 'expected a header value on one line'],
  ['headers: {"X Tenant": a}', 'scorer.yaml: headers'],
  ['http_headers: {Authorization: {secrets: [a]}}', 'http_headers.Authorization: this header is set by the program'],
  ['http_headers: {X-A: {}}', 'scorer.yaml: http_headers.X-A: expected values, secrets or files'],
  ['{headers: {x-a: a}, http_headers: {X-A: {values: [b]}}}', 'http_headers.X-A: expected a name that headers lacks'],
  ['proxy_url: foo', 'scorer.yaml: proxy_url: expected an http(s) URL, got "foo"'],
  ['proxy_url: "socks5://p"', 'scorer.yaml: proxy_url: expected an http(s) URL'],
  ['no_proxy: a', 'scorer.yaml: no_proxy: expected proxy_url with it'],
  ['{proxy_url: "http://p", proxy_from_environment: true}', 'proxy_from_environment: expected false'],
  ['proxy_connect_header: {X-A: [b]}', 'proxy_connect_header: expected proxy_url or proxy_from_environment with it'],
])('refuses %s', (yaml, message) => {
  expect(() => parse(yaml)).toThrow(message);
});

test.each([
  ['basic_auth: {username: a, password: hunter2, password_file: c}'],
  ['basic_auth: {username: a, password: [hunter2]}'],
  ['basic_auth: {username: a, password: {hunter2: b}}'],
  ['{basic_auth: {username: a, password: hunter2}, bearer_token: hunter2}'],
  ['authorization: {credentials: hunter2, credentials_file: b}'],
  [`oauth2: {${OAUTH2}, client_secret: hunter2, client_secret_file: b}`],
  ['sigv4: {secret_key: hunter2}'],
  ['headers: {X-A: "hunter2\\n"}'],
  ['http_headers: {X-A: {secrets: ["hunter2\\n"]}}'],
  ['proxy_connect_header: {X-A: [hunter2]}'],
  ['proxy_url: "ftp://me:hunter2@p"'],
  ['{proxy_url: "http://me:hunter2@p", proxy_from_environment: true}'],
  ['tls_config: {key: hunter2}'],
  ['bearer_token: *hunter2'],
  ['bearer_token: !hunter2 x'],
  ['bearer_token: !<hunter2> x'],
  ['bearer_token: "hunter2'],
  ['bearer_token: %hunter2'],
  ['bearer_token: @hunter2'],
  ['{bearer_token: hunter2}}'],
])('no secret is printed for %s', (yaml) => {
  const error = (() => {
    try {
      parse(yaml);
    } catch (thrown) {
      return thrown as Error;
    }
    throw new Error('accepted');
  })();
  expect(error.message).toContain('scorer.yaml');
  expect(error.message).not.toContain('hunter2');
});

describe('files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-settings-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const present = join(folder, 'present');
  writeFileSync(present, 'text\n');
  writeFileSync(join(folder, 'two-lines'), 'a\nb\n');
  writeFileSync(join(folder, 'empty'), '\n');

  test("relative file names are taken from the configuration file's folder", () => {
    const settings = parse(`
oauth2: {${OAUTH2}, client_secret_file: s, tls_config: {ca_file: o}, endpoint_params: {x_file: e}}
tls_config: {ca_file: /ca, cert_file: c, key_file: k}
headers: {x_file: h}
http_headers: {X-A: {values: [v], files: [f, /g]}}
`);
    expect(resolveHttpClientFiles(settings, '/etc/lorikeet')).toMatchObject({
      oauth2: {
        client_secret_file: '/etc/lorikeet/s',
        tls_config: { ca_file: '/etc/lorikeet/o' },
        endpoint_params: { x_file: 'e' },
      },
      tls_config: { ca_file: '/ca', cert_file: '/etc/lorikeet/c', key_file: '/etc/lorikeet/k' },
      headers: { x_file: 'h' },
      http_headers: { 'X-A': { values: ['v'], files: ['/etc/lorikeet/f', '/g'] } },
    });
  });

  test.each([
    [
      'basic_auth: {username_file: gone, password_file: present}',
      'basic_auth.username_file: FOLDER/gone: no such file',
    ],
    [
      'basic_auth: {username_file: present, password_file: gone}',
      'basic_auth.password_file: FOLDER/gone: no such file',
    ],
    ['authorization: {credentials_file: gone}', 'authorization.credentials_file: FOLDER/gone: no such file'],
    ['bearer_token_file: gone', 'bearer_token_file: FOLDER/gone: no such file'],
    [`oauth2: {${OAUTH2}, client_secret_file: gone}`, 'oauth2.client_secret_file: FOLDER/gone: no such file'],
    [
      `oauth2: {${OAUTH2}, grant_type: "${JWT_BEARER}", client_certificate_key_file: gone}`,
      'oauth2.client_certificate_key_file: FOLDER/gone: no such file',
    ],
    [
      `azuread: {certificate: {client_id: ${ID}, tenant_id: t, certificate_path: gone}}`,
      'azuread.certificate.certificate_path: FOLDER/gone: no such file',
    ],
    [`oauth2: {${OAUTH2}, tls_config: {ca_file: gone}}`, 'oauth2.tls_config.ca_file: FOLDER/gone: no such file'],
    [
      `azuread: {workload_identity: {client_id: ${ID}, tenant_id: t, token_file_path: gone}}`,
      'token_file_path: FOLDER/gone: no such',
    ],
    ['tls_config: {ca_file: gone}', 'tls_config.ca_file: FOLDER/gone: no such file'],
    ['tls_config: {cert_file: gone, key_file: present}', 'tls_config.cert_file: FOLDER/gone: no such file'],
    ['tls_config: {cert_file: present, key_file: gone}', 'tls_config.key_file: FOLDER/gone: no such file'],
    ['http_headers: {X-A: {files: [present, gone]}}', 'http_headers.X-A.files[1]: FOLDER/gone: no such file'],
    ['tls_config: {ca_file: .}', 'tls_config.ca_file: FOLDER: is a directory'],
    ['tls_config: {ca_file: present}', 'tls_config.ca_file: FOLDER/present: expected a certificate in PEM format'],
    ['tls_config: {ca: text}', 'tls_config.ca: expected a certificate in PEM format'],
    ['bearer_token_file: empty', 'bearer_token_file: FOLDER/empty: the file is empty'],
    ['bearer_token_file: two-lines', 'bearer_token_file: FOLDER/two-lines: expected text on one line'],
  ])('refuses %s', (yaml, message) => {
    const settings = resolveHttpClientFiles(parse(yaml), folder);
    expect(() => checkHttpClientFiles('scorer.yaml', 'prometheus', settings)).toThrow(
      message.replace('FOLDER', folder),
    );
    expect(() => checkHttpClientFiles('scorer.yaml', 'prometheus', settings)).toThrow(/^scorer\.yaml: prometheus\./);
  });

  test('accepts files that can be used', () => {
    const settings = resolveHttpClientFiles(parse('bearer_token_file: present'), folder);
    expect(checkHttpClientFiles('scorer.yaml', 'prometheus', settings)).toBeUndefined();
  });
});
