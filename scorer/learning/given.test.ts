import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, expect, it } from 'vitest';
import { readScorerConfig } from '../config.ts';
import { readFeatures } from '../features/features.ts';
import { encodeGiven, readGiven } from './given.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-given-'));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'scorer.yaml');
/** With all that has a form of its own. */
writeFileSync(
  path,
  `prometheus: { url: 'http://a', basic_auth: { username: u, password: p }, matchers: '{cluster="x"}' }
remote_write: [{ url: 'http://b', headers: { X-Scope-OrgID: t } }, { url: 'http://c', name: c }]
identity: { labels: [cluster] }
external_labels: { cluster: x }
shard: { index: 1, count: 3 }
maintenance: ['up == 0']
expected: { expressions: ['up == 0'], alertmanager: { url: 'http://d' } }
traces: { listen_address: '127.0.0.1:4318' }
detectors: { trace_sequence: {}, pattern: {}, instance_outlier: {} }
`,
);
const given = { config: readScorerConfig(path), set: readFeatures('rules/features.yaml') };

it('arrives as it was, in whatever pieces', async () => {
  const stream = new PassThrough();
  const read = readGiven(stream);
  for (const piece of encodeGiven(given).match(/[^]{1,1000}/g) ?? []) stream.write(piece);
  expect(await read).toStrictEqual(given);
});

it('is missing if the stream ends', async () => {
  const stream = new PassThrough();
  const read = readGiven(stream);
  stream.end('abc');
  await expect(read).rejects.toThrow('no configuration on standard input');
});
