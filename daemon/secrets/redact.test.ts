import { expect, test } from 'vitest';
import { redactUrl, renderRedacted } from './redact.ts';

test.each<[unknown, PropertyKey[], string]>([
  ['foo', ['url'], '"foo"'],
  [undefined, ['url'], 'undefined'],
  [12345, ['remote_write', 'basic_auth', 'password'], '"<secret>"'],
  [
    { username: 'a', password: 'hunter2', password_file: 'f' },
    ['basic_auth'],
    '{"username":"a","password":"<secret>","password_file":"f"}',
  ],
  [
    { basic_auth: { password: 'hunter2' }, oauth2: { client_secret: 'x' } },
    ['prometheus'],
    '{"basic_auth":{"password":"<secret>"},"oauth2":{"client_secret":"<secret>"}}',
  ],
  [{ 'X-Api-Key': 'hunter2' }, ['headers'], '{"X-Api-Key":"<secret>"}'],
  ['hunter2\n', ['headers', 'X-Api-Key'], '"<secret>"'],
  [5, ['http_headers', 'X-Api-Key', 'values', 0], '"<secret>"'],
  ['hunter2', ['headers'], '"<secret>"'],
  ['ftp://me:hun@ter/2@host', ['url'], '"ftp://xxxxx@host"'],
  [['http://me:hunter2@host'], ['url'], '["http://xxxxx@host"]'],
])('%j at %j is rendered as %s', (input, path, text) => {
  expect(renderRedacted(input, path)).toBe(text);
});

test('a long value is cut', () => {
  expect(renderRedacted('x'.repeat(100), ['url'])).toHaveLength(80);
});

test('a URL keeps what says where it is', () => {
  expect(redactUrl('https://me:hunter2@prom.example:9090/base?token=hunter2#x')).toBe('https://prom.example:9090/base');
  expect(redactUrl('http://localhost:9090/')).toBe('http://localhost:9090');
});
