import { expect, test } from 'vitest';
import {
  redactUrl,
  renderFile,
  renderMisplaced,
  renderPath,
  renderRedacted,
  renderText,
  renderUnknownKey,
} from './redact.ts';

test.each<[unknown, PropertyKey[], string]>([
  ['foo', ['url'], '"foo"'],
  [5, ['steps', 0], '5'],
  [undefined, ['url'], 'undefined'],
  [null, ['basic_auth', 'password'], 'null'],
  [12345, ['remote_write', 'basic_auth', 'password'], '"<secret>"'],
  [12345, ['remote_write', 'basic_auth', 'username'], '"<secret>"'],
  ['hunter2', ['remote_write', 0, 'authorization', 'type'], '"<secret>"'],
  ['hunter2', ['remote_write', 'oauth2', 'scopes', 0], '"hunter2"'],
  ['RS1', ['oauth2', 'signature_algorithm'], '"RS1"'],
  [{ username: 'a', password: 'hunter2' }, ['basic_auth'], 'a mapping'],
  [['hunter2'], ['basic_auth'], 'a list'],
  ['hunter2\n', ['headers', 'X-Api-Key'], '"<secret>"'],
  [5, ['http_headers', 'X-Api-Key', 'values', 0], '"<secret>"'],
  ['hunter2', ['headers'], '"<secret>"'],
  ['ftp://me:hun@ter/2@host', ['url'], '"ftp://xxxxx@host"'],
  ['http:me:hunter2@host', ['url'], '"http:xxxxx@host"'],
  ['hunter2:x@host', ['url'], '"xxxxx@host"'],
  ['http://host/base?token=hunter2 x', ['url'], '"http://host/base?xxxxx"'],
  ['http://host/#hunter2', ['url'], '"http://host/?xxxxx"'],
  ['-----BEGIN PRIVATE KEY-----\nMII', ['base_model'], '"<secret>"'],
  ['eyJhbGciOiJIUzI1NiJ9.e30.x', ['interval'], '"<secret>"'],
  ['$2y$10$abc', ['interval'], '"<secret>"'],
  ['Bearer glsa_Xq7Rt2Lm9Zp4Wv8Kd3Hs6Yb1', ['interval'], '"<secret>"'],
  [
    '/kubepods.slice/pod0123456789abcdef0123456789abcdef',
    ['cgroup'],
    '"/kubepods.slice/pod0123456789abcdef0123456789abcdef"',
  ],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', ['a'], '"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"'],
  ['a\u001b[31m\u009b', ['url'], '"a\\u001b[31m\\u009b"'],
])('%j at %j is rendered as %s', (input, path, text) => {
  expect(renderRedacted(input, path)).toBe(text);
});

test('a long value is cut', () => {
  expect(renderRedacted('x'.repeat(100), ['url'])).toHaveLength(80);
});

test('where a section was expected, a value may be any of it', () => {
  expect(['hunter2', 12345, null, ['hunter2']].map(renderMisplaced)).toEqual([
    '"<secret>"',
    '"<secret>"',
    'null',
    'a list',
  ]);
});

test('a word of the command line is on one line, without secrets', () => {
  expect(renderText('http://me:hunter2@host\n')).toBe('"http://xxxxx@host\\n"');
});

test.each<[PropertyKey[], string]>([
  [['targets', 0, 'cgroup'], 'targets[0].cgroup'],
  [['http_headers', 'X-Api-Key'], 'http_headers.X-Api-Key'],
  [['headers', 'Bearer hunter2'], 'headers.Bearer...'],
  [['basic_auth', 'password:hunter2'], 'basic_auth.password...'],
  [['basic_auth', 'password', 'hunter2'], 'basic_auth.password.<key>'],
  [['basic_auth_users', '$2y$10$abc'], 'basic_auth_users.<key>'],
  [['a\u001b[31m'], 'a...'],
  [['x'.repeat(200)], '<key>'],
])('the path %j is rendered as %s', (path, text) => {
  expect(renderPath(path)).toBe(text);
});

test.each<[PropertyKey[], string]>([
  [['basic_auth', 'pasword'], 'basic_auth.pasword'],
  [['basic_auth', 'hunter2'], 'basic_auth.<key>'],
  [['basic_auth', 'password:hunter2'], 'basic_auth.password...'],
  [['prometheus', 'sigv4'], 'prometheus.sigv4'],
  [['prometheus', 'SECRET12345'], 'prometheus.<key>'],
  [['remote write'], 'remote...'],
])('the unknown key %j is rendered as %s', (path, text) => {
  expect(renderUnknownKey(path)).toBe(text);
});

test('the name of a file is whole, unless it is very long or a secret', () => {
  expect(renderFile('/etc/lorikeet/scorer.yaml')).toBe('/etc/lorikeet/scorer.yaml');
  expect(renderFile('/etc/glsa_Xq7Rt2Lm9Zp4Wv8Kd3Hs6Yb1')).toBe('/etc/<secret>');
  expect(renderFile(`/a/${'b'.repeat(500)}/c.yaml`)).toMatch(/^\.{3}b{290}\/c\.yaml$/);
});

test('a URL keeps what says where it is', () => {
  expect(redactUrl('https://me:hunter2@prom.example:9090/base?token=hunter2#x')).toBe('https://prom.example:9090/base');
  expect(redactUrl('http://localhost:9090/')).toBe('http://localhost:9090');
});
