import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readScorerFiles } from './scorer-files.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-scorer-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const FEATURE = '{ name: request_latency, expr: "m[$window]", scale: log }';
writeFileSync(join(folder, 'own.yaml'), `windows: [1m, 5m, 15m]\nfeatures: [${FEATURE}]\n`);
writeFileSync(
  join(folder, 'edges.yaml'),
  `windows: [1m, 5m, 15m]\nfeatures: [${FEATURE}]\nedges: [${FEATURE.replace('latency', 'delay')}]\n`,
);

function read(detectors: string, features = '') {
  const path = join(folder, 'scorer.yaml');
  writeFileSync(path, `prometheus: { url: 'http://p' }\noutput: metrics\n${features}\ndetectors: ${detectors}\n`);
  return readScorerFiles(path);
}

test.each([
  ['{ gru_vae: , lstm_autoencoder: , instance_outlier: }', ''],
  ['{ gru_vae: }', 'features_file: own.yaml'],
  ['{ gru_vae: { subjects: { service: request_latency } } }', 'features_file: edges.yaml'],
])('accepts detectors %s with "%s"', (detectors, features) => {
  expect(read(detectors, features).config.detectors.gru_vae).toBeDefined();
});

test.each([
  [
    '{ gru_vae: { subjects: { service: request_latancy } } }',
    '',
    'detectors.gru_vae: features of the features file lack request_latancy, did you mean request_latency?',
  ],
  [
    '{ lstm_autoencoder: { features: [cpu_cores, memory] } }',
    '',
    'detectors.lstm_autoencoder: pods of the features file lack memory',
  ],
  [
    '{ gru_vae: { subjects: { service: x, edge: y, endpoint: z } } }',
    'features_file: edges.yaml',
    'detectors.gru_vae: the features file has none of x, y, z',
  ],
  ['{ lstm_autoencoder: }', 'features_file: own.yaml', 'detectors.lstm_autoencoder: the features file has none of cpu'],
])('refuses detectors %s with "%s"', (detectors, features, message) => {
  expect(() => read(detectors, features)).toThrow(`${join(folder, 'scorer.yaml')}: ${message}`);
});
