import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IMAGES, whyNoImages } from '../../scripts/images/archives.ts';

/* Two runs of `npm run package`, in folders of different depth, by users of different habits. */

const EPOCH = '1700000000';
let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'lorikeet-reproducible-'));
});
afterAll(() => rmSync(parent, { recursive: true }));

/** A copy of the sources as they are now, without what was built. */
function copySources(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const input = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  execFileSync('sh', ['-c', 'tar --null -T - -cf - | tar -C "$0" -xf -', folder], { input });
  execFileSync('cp', ['-al', resolve('node_modules'), folder]);
  return folder;
}

/** @returns the sums of a release that is made of a copy */
function release(folder: string, umask: string, zone: string): string {
  const env = { ...process.env, SOURCE_DATE_EPOCH: EPOCH, TZ: zone };
  execFileSync('sh', ['-c', `umask ${umask} && npm run --silent package`], { cwd: folder, env, stdio: 'pipe' });
  return readFileSync(join(folder, 'build/package/SHA256SUMS'), 'utf8');
}

test('the same sources make the same files, wherever and by whomever', { timeout: 3_600_000 }, () => {
  const [here, there] = [copySources(join(parent, 'a')), copySources(join(parent, 'another/folder/below'))];
  const first = release(here, '022', 'UTC');
  expect(first.split('\n').length).toBeGreaterThan(12);
  if (whyNoImages() === undefined)
    expect(first.match(/ lorikeet-(exporter|scorer|sim)-image-.*\.tar$/gm)?.length).toBe(IMAGES.length);
  expect(release(there, '077', 'Asia/Tokyo')).toBe(first);
});
