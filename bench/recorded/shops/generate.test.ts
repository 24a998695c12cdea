import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording, recordedMetrics } from '../recording.ts';
import { writeRecording } from '../write-recording.ts';
import { generateShop } from './generate.ts';

const FILES = ['services.om.gz', 'edges.om.gz', 'faults.json', 'features.yaml', 'recording.yaml'];
const SHOP = { services: 10, hours: 3 };

async function generated<T>(seed: number, use: (folder: string) => Promise<T> | T): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-shop-'));
  try {
    await writeRecording(folder, generateShop({ seed, ...SHOP }));
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const digests = (folder: string) =>
  FILES.map((file) =>
    createHash('sha256')
      .update(readFileSync(join(folder, file)))
      .digest('hex'),
  );

test('the same seed gives the same bytes, another seed others', async () => {
  const first = await generated(1, digests);
  expect(await generated(1, digests)).toEqual(first);
  expect((await generated(2, digests))[0]).not.toBe(first[0]);
});

/** `name{label names}` of each series of an exposition. */
function shapes(lines: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const line of lines) {
    const [, name, labels] = /^([a-z_]+)\{(.*)\} /.exec(line) ?? [];
    if (name !== undefined)
      found.add(`${name}{${[...labels!.matchAll(/([a-z_]+)="/g)].map(([, label]) => label).join()}}`);
  }
  return found;
}

/** Read from the files of a cgroup, which the recorded exposition has not; `exporter/collectors/container.ts` names them. */
const OF_CGROUPS = ['cpu_seconds_total', 'memory_bytes'].map(
  (name) => `lorikeet_container_${name}{namespace,service,pod}`,
);

test('the series have the names and the labels of the exporter', async () => {
  const golden = shapes(readFileSync('exporter/testdata/metrics.golden.txt', 'utf8').split('\n'));
  const exported = new Set([...golden, ...OF_CGROUPS]);
  await generated(1, async (folder) => {
    const lines: string[] = [];
    for await (const line of recordedMetrics(folder)) lines.push(line);
    expect([...shapes(lines)].filter((shape) => !exported.has(shape))).toEqual([]);
    expect(lines.length).toBeGreaterThan(10_000);
  });
});

test('the features are the shipped ones, and read no series of services, edges or latency that is not there', async () => {
  await generated(1, async (folder) => {
    const { set, steps, faults } = readRecording(folder);
    expect(readFileSync(join(folder, 'features.yaml'), 'utf8')).toBe(readFileSync('rules/features.yaml', 'utf8'));
    expect(steps).toEqual([0, 1, 2, 3, 5, 8, 13, 21, 34, 55]);
    expect(faults.length).toBeGreaterThan(0);
    let text = '';
    for await (const line of recordedMetrics(folder)) text += line.slice(0, line.indexOf('{'));
    const wanted = [...set.features, ...set.edges].flatMap(({ expr }) => expr.match(/lorikeet_\w+/g) ?? []);
    const missing = [...new Set(wanted)].filter((name) => !text.includes(name));
    // Nobody dawdles, so nothing is subtracted.
    expect(missing.sort()).toEqual([
      'lorikeet_edge_request_client_wait_seconds_total',
      'lorikeet_request_client_wait_seconds_total',
    ]);
  });
});

test('counters never go down', async () => {
  const { services } = generateShop({ seed: 3, ...SHOP });
  for await (const text of services) {
    if (!/^lorikeet_\w+_(total|sum|count|bucket)\{/.test(text)) continue;
    let last = 0;
    for (const line of text.trimEnd().split('\n')) {
      const value = Number(line.split(' ').at(-2));
      expect(value).toBeGreaterThanOrEqual(last);
      last = value;
    }
  }
});
