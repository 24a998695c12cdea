import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const CHART = 'manifests/chart';
const COPIES = {
  'config-maps.yaml': 'manifests/prometheus',
  'dashboards.yaml': 'manifests/generated',
  'detector-config-maps.yaml': 'manifests/prometheus',
  'detector-rules.yaml': 'manifests/generated',
  'pod-monitors.yaml': 'manifests/generated',
  'prometheus-rules.yaml': 'manifests/generated',
};

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-package-'));
const unpacked = join(folder, 'lorikeet');
const archivePath = () => join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '');
const run = (...command: [string, ...string[]]) => execFileSync(command[0], command.slice(1), { encoding: 'utf8' });
const filesOf = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .toSorted();

beforeAll(() => void run('bash', 'scripts/package/chart.sh', folder));
afterAll(() => rmSync(folder, { recursive: true }));

test('the packaged chart is the chart with the generated files that it installs', () => {
  const copies = Object.keys(COPIES).map((name) => `files/${name}`);
  expect(filesOf(unpacked)).toEqual([...filesOf(CHART), ...copies].toSorted());
  for (const file of filesOf(CHART)) {
    expect(readFileSync(join(unpacked, file), 'utf8')).toBe(readFileSync(join(CHART, file), 'utf8'));
  }
  for (const [name, source] of Object.entries(COPIES)) {
    expect(readFileSync(join(unpacked, 'files', name), 'utf8')).toBe(readFileSync(join(source, name), 'utf8'));
  }
});

test('every file that a template reads is packaged', () => {
  const templates = filesOf(CHART).filter((file) => file.startsWith('templates/'));
  const text = templates.map((file) => readFileSync(join(CHART, file), 'utf8')).join('\n');
  const read = [...text.matchAll(/"files\/([a-z-]+\.yaml)"/g)].map(([, name = '']) => name);
  expect(read.toSorted()).toEqual(Object.keys(COPIES));
  const checked = readFileSync(join(CHART, 'templates/packaged.yaml'), 'utf8').match(/"[a-z-]+"/g) ?? [];
  expect(checked.map((name) => `${name.slice(1, -1)}.yaml`)).toEqual(Object.keys(COPIES));
});

test('the archive is the same whenever, under whatever umask and time zone it is made', () => {
  const listing = run('tar', '--utc', '--full-time', '-tvzf', archivePath()).trim().split('\n');
  for (const line of listing) expect(line).toMatch(/^(drwxr-xr-x|-rw-r--r--) 0\/0 +\d+ 1970-01-01 00:00:00 lorikeet\//);
  const first = readFileSync(archivePath());
  run('sh', '-c', 'umask 077 && TZ=Asia/Tokyo LC_ALL=C exec bash scripts/package/chart.sh "$0"', folder);
  expect(readFileSync(archivePath()).equals(first)).toBe(true);
});

test('the archive is named after the version of the chart', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  expect(archivePath()).toBe(join(folder, `lorikeet-${version}.tgz`));
});
