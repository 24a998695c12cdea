import { expect, test } from 'vitest';
import { parseConfig } from '../config-file.ts';
import { httpClientSchema, resolveHttpClientFiles } from './settings.ts';

const parse = (yaml: string) => parseConfig('scorer.yaml', yaml, httpClientSchema);

test('nothing set means verified TLS, redirects followed, no headers', () => {
  expect(parse('{}')).toEqual({ headers: {}, follow_redirects: true });
  expect(parse('tls_config: {}').tls_config).toEqual({ insecure_skip_verify: false });
});

test.each([
  ['basic_auth: {user: a}', 'scorer.yaml: basic_auth.user: unknown key'],
  ['bearer: x', 'scorer.yaml: bearer: unknown key'],
  ['basic_auth: {username: a, password: b, password_file: c}', 'expected password or password_file, not both'],
  ['basic_auth: {username: "a:b"}', 'expected a name without a colon'],
  ['authorization: {type: Basic, credentials: x}', 'for basic use basic_auth'],
  ['authorization: {}', 'expected one of credentials and credentials_file'],
  ['authorization: {credentials: a, credentials_file: b}', 'expected one of credentials and credentials_file'],
  ['{basic_auth: {username: a}, authorization: {credentials: b}}', 'expected basic_auth or authorization, not both'],
  ['tls_config: {cert_file: a}', 'expected cert_file and key_file together'],
  ['tls_config: {insecure_skip_verify: "yes"}', 'scorer.yaml: tls_config.insecure_skip_verify: expected'],
  ['headers: {Content-Encoding: gzip}', 'scorer.yaml: headers.Content-Encoding: this header is set by the program'],
  ['headers: {X-Tenant: "a\\nb"}', 'expected a header value on one line'],
  ['headers: {"X Tenant": a}', 'scorer.yaml: headers'],
  ['proxy_url: foo', 'scorer.yaml: proxy_url: expected an http(s) URL, got "foo"'],
])('refuses %s', (yaml, message) => {
  expect(() => parse(yaml)).toThrow(message);
});

test("relative file names are taken from the configuration file's folder", () => {
  const settings = parse(
    '{basic_auth: {username: a, password_file: p}, tls_config: {ca_file: /ca, cert_file: c, key_file: k}}',
  );
  expect(resolveHttpClientFiles(settings, '/etc/lorikeet')).toMatchObject({
    basic_auth: { password_file: '/etc/lorikeet/p' },
    tls_config: { ca_file: '/ca', cert_file: '/etc/lorikeet/c', key_file: '/etc/lorikeet/k' },
  });
});
