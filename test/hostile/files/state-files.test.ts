import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps } from '../table/keeps.ts';

let bench: Bench;
let models: string;
beforeEach(() => {
  bench = new Bench();
  models = join(bench.folder, 'state/models');
  mkdirSync(models, { recursive: true });
});
afterEach(() => bench.remove());

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const signed = (body: string) => `${sha256(body)}\n${body}\n`;

/** A user without rights. */
const NOBODY = 65_534;

/** What may stand where a file of the state is expected. */
const PLACES: Readonly<Record<string, (path: string) => void>> = {
  'a directory': (path) => mkdirSync(path),
  'a loop of symbolic links': (path) => symlinkSync(path, path),
  'a named pipe': (path) => execFileSync('mkfifo', [path]),
  'three gigabytes': (path) => {
    writeFileSync(path, '');
    truncateSync(path, 3 * 2 ** 30);
  },
  'what is not JSON': (path) => writeFileSync(path, 'x'),
  'JSON of another shape': (path) => writeFileSync(path, '[[]]'),
};

const FILES = ['profiles.json', 'seasons.json', 'changes.json', 'gone.json', 'fleet-0123456789ab.onnx'];

async function expectToLive(named: readonly string[], config = LONELY_SCORER, shell = ''): Promise<void> {
  const scorer = await bench.start('scorer', [`--config.file=${bench.write('scorer.yaml', config)}`], { shell });
  expect(await scorer.isHealthy()).toBe(true);
  expect(scorer.log.some((line) => line.includes('msg="model opened"') && line.includes('base.onnx'))).toBe(true);
  for (const file of named) {
    expect(scorer.log.filter((line) => line.includes('level=warn') && line.includes(file))).toHaveLength(1);
    expect(existsSync(join(models, file))).toBe(false);
  }
  await scorer.stop();
  // Saved at the end: nothing is in the way.
  expect(scorer.log.join('\n')).not.toContain('failed, a restart loses them');
}

describe.each(Object.entries(PLACES))('%s in place of each file of the state', keeps('state_files'), (_what, make) => {
  test('is named in one line and set aside, and the shipped model is used', async () => {
    for (const file of FILES) make(join(models, file));
    await expectToLive(FILES);
  });
});

test('files that the scorer may not read are named in one line and set aside', keeps('state_files'), async () => {
  chmodSync(bench.folder, 0o755);
  for (const file of FILES) writeFileSync(join(models, file), 'x', { mode: 0o000 });
  for (const folder of [dirname(models), models]) chownSync(folder, NOBODY, NOBODY);
  await expectToLive(FILES, LONELY_SCORER, `exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups -- "$@"`);
});

test.each([
  ['not JSON', signed('')],
  ['no mapping', signed('null')],
  ['of services whose keys are no names', signed(profiles({ nonsense: profile() }))],
  ['of services without a name', signed(profiles({ '{}': profile() }))],
])('profiles with the right checksum that are %s are set aside', keeps('state_files'), async (_what, text) => {
  writeFileSync(join(models, 'profiles.json'), text);
  await expectToLive(['profiles.json']);
});

test.each(['a directory', 'a named pipe', 'what is not JSON'])(
  '%s in place of what detectors learned is set aside, and they learn again',
  keeps('state_files'),
  async (what) => {
    const files = ['detectors.json', 'instance_outlier.json', 'gru_vae.json', 'traces.sample'];
    for (const file of files) PLACES[what]?.(join(models, file));
    const config = `${LONELY_SCORER}detectors: { autoencoder: {}, instance_outlier: {}, gru_vae: {}, trace_sequence: {} }
traces: { listen_address: '127.0.0.1:0' }
`;
    await expectToLive(files, config);
  },
);

test(
  'a file in place of the directory of models is named, and the shipped model is used',
  keeps('state_files'),
  async () => {
    rmSync(models, { recursive: true });
    writeFileSync(models, '');
    const scorer = await bench.start('scorer', [`--config.file=${bench.write('scorer.yaml', LONELY_SCORER)}`]);
    expect(scorer.log.some((line) => line.includes(`${models}/profiles.json: not readable`))).toBe(true);
    expect(await scorer.isHealthy()).toBe(true);
    await scorer.stop();
    expect(readFileSync(models, 'utf8')).toBe('');
  },
);

test.each([
  ['a directory', (path: string) => mkdirSync(path)],
  ['a loop of symbolic links', (path: string) => symlinkSync(path, path)],
  ['a named pipe', (path: string) => execFileSync('mkfifo', [path])],
])('%s as base model is refused in one line that names it', keeps('state_files'), (_what, make) => {
  const path = join(bench.folder, 'base.onnx');
  make(path);
  const config = bench.write('scorer.yaml', `${LONELY_SCORER}base_model: ${path}\n`);
  const { status, stderr } = bench.run('scorer', ['run', `--config.file=${config}`]);
  expect(status).toBe(2);
  expect(stderr).toBe(`lorikeet-scorer: ${config}: base_model: expected a file, got ${path}\n`);
});

test('a card of the base model that is a directory is named in one line', keeps('state_files'), async () => {
  const path = bench.write('base.onnx', readFileSync('models/base.onnx'));
  mkdirSync(join(bench.folder, 'base.json'));
  const config = bench.write('scorer.yaml', `${LONELY_SCORER}base_model: ${path}\n`);
  const scorer = await bench.start('scorer', [`--config.file=${config}`]);
  expect(scorer.log.filter((line) => line.includes('base.json: is a directory'))).toHaveLength(1);
  await scorer.stop();
  expect(existsSync(path)).toBe(true);
});

function profile(): object {
  return { scalings: [], residual: [], deviation: [], threshold: 1, windows: 1, days: 1, from: 0, to: 1 };
}

function profiles(services: object): string {
  return JSON.stringify({
    format: 5,
    model: '',
    features: [],
    edge_features: [],
    windows_ms: [],
    steps: [],
    interval_ms: 1,
    learned_at_ms: 0,
    services,
    edges: {},
  });
}
