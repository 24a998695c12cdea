import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readScorerConfig } from './config.ts';
import { targetName } from './endpoints.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-endpoints-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'scorer.yaml');
writeFileSync(join(folder, 'secret'), 'text\n');

const PROMETHEUS = `prometheus: { url: 'http://p:9090' }\n`;
const WRITE = `remote_write: { url: 'http://p:9090/api/v1/write' }\n`;

function read(text: string) {
  writeFileSync(file, text);
  return readScorerConfig(file);
}

test('remote_write is one target or a list', () => {
  expect(read(PROMETHEUS + WRITE).remote_write).toMatchObject([{ url: 'http://p:9090/api/v1/write', timeout: 30_000 }]);
  const list = read(`${PROMETHEUS}remote_write: [{ url: 'http://a' }, { url: 'http://me:pw@b/w?x=y', name: two }]`);
  expect(list.remote_write?.map(targetName)).toEqual(['http://a', 'two']);
});

test.each([
  [`${PROMETHEUS}remote_write: { url: foo }`, 'remote_write.url: expected an http(s) URL, got "foo"'],
  [`${PROMETHEUS}remote_write: { uri: 'http://a' }`, 'remote_write.uri: unknown key'],
  [`${PROMETHEUS}remote_write: [{ url: 'http://a' }, { url: foo }]`, 'remote_write[1].url: expected an http(s) URL'],
  [`${PROMETHEUS}remote_write: [{ url: 'http://a', x: 1 }]`, 'remote_write[0].x: unknown key'],
  [`${PROMETHEUS}remote_write: []`, 'remote_write: expected at least one target'],
  [`${PROMETHEUS}remote_write: [{ url: 'http://a' }, { url: 'http://a' }]`, 'remote_write[1].name: expected a name of'],
  [`${PROMETHEUS}remote_write: [{ url: 'http://a', name: x }, { url: 'http://b', name: x }]`, 'got "x"'],
  [
    `${PROMETHEUS}remote_write: { url: 'http://a', protobuf_message: x }`,
    'remote_write.protobuf_message: expected prom',
  ],
  [`${PROMETHEUS}remote_write: { url: 'http://a', timeout: 30d }`, 'remote_write.timeout: expected at most 24d'],
  [`prometheus: { url: 'http://p:9090/api/v1' }\n${WRITE}`, 'prometheus.url: expected the URL up to /api/v1'],
  [`prometheus: { url: 'http://p/x/api/v1/query' }\n${WRITE}`, 'prometheus.url: expected the URL up to /api/v1'],
  [`prometheus: { url: 'http://p:9090/#x' }\n${WRITE}`, 'prometheus.url: expected an http(s) URL without spaces'],
  [`prometheus: { url: 'http://p:99999' }\n${WRITE}`, 'prometheus.url: expected an http(s) URL'],
  [
    `prometheus: { url: 'http://me:hunter2@p', bearer_token: hunter2 }\n${WRITE}`,
    'prometheus.url: expected credentials in',
  ],
  [
    `prometheus: { url: 'http://p', bearer_token_file: gone }\n${WRITE}`,
    'prometheus.bearer_token_file: FOLDER/gone: no',
  ],
  [
    `prometheus: { url: 'http://p', tls_config: { ca_file: gone } }\n${WRITE}`,
    'prometheus.tls_config.ca_file: FOLDER/gone',
  ],
  [
    `${PROMETHEUS}remote_write: { url: 'http://a', bearer_token_file: gone }`,
    'remote_write.bearer_token_file: FOLDER/gone',
  ],
  [
    `${PROMETHEUS}remote_write: [{ url: 'http://a' }, { url: 'http://b', bearer_token_file: gone }]`,
    'remote_write[1].bearer_token_file: FOLDER/gone: no such file',
  ],
  [
    `${PROMETHEUS + WRITE}maintenance: ["x =="]`,
    'maintenance[0]: expected a PromQL expression: syntax error at the end',
  ],
  [
    `${PROMETHEUS + WRITE}maintenance: [x, "x[5m]"]`,
    'maintenance[1]: expected a PromQL expression: expected an instant',
  ],
  [`${PROMETHEUS + WRITE}base_model: gone.onnx`, 'base_model: expected a file, got FOLDER/gone.onnx'],
  [`${PROMETHEUS + WRITE}base_model: .`, 'base_model: expected a file, got FOLDER'],
  [
    `${PROMETHEUS + WRITE}detectors: { autoencoder: , pattern: { examples_file: gone } }`,
    'detectors.pattern.examples_file',
  ],
  [`${PROMETHEUS + WRITE}state_dir: secret`, 'state_dir: expected a directory, got FOLDER/secret'],
  [`${PROMETHEUS + WRITE}state_dir: secret/state`, 'state_dir: expected a directory, got FOLDER/secret/state'],
  [`${PROMETHEUS + WRITE}learning: { minimum: 2d }`, 'learning.minimum: expected at most learning.history'],
  [`${PROMETHEUS + WRITE}state_dir: ''`, 'state_dir: expected a path'],
])('refuses %s', (text, message) => {
  const error = (() => {
    try {
      read(text);
    } catch (thrown) {
      return thrown as Error;
    }
    throw new Error('accepted');
  })();
  expect(error).toMatchObject({ code: 'CONFIG' });
  expect(error.message.startsWith(`${file}: `)).toBe(true);
  expect(error.message).toContain(message.replace('FOLDER', folder));
  expect(error.message).not.toContain('hunter2');
});

test('user and password in a URL, and its query, are kept', () => {
  const config = read(`prometheus: { url: 'http://me:pw@p:9090/base/?extra_label=a=b' }\n${WRITE}`);
  expect(config.prometheus.url).toBe('http://me:pw@p:9090/base/?extra_label=a=b');
});
