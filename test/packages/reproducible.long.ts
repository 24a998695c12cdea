import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

/* Two runs of `npm run package`, in folders of different depth, at different times, as different users see them. */

const EPOCH = '1700000000';
let parent: string;
beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'lorikeet-reproducible-'));
});
afterAll(() => rmSync(parent, { recursive: true }));

/** A copy of the sources as they are now, without what was built. */
function release(folder: string, umask: string): string {
  mkdirSync(folder, { recursive: true });
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard']);
  execFileSync('sh', ['-c', 'tar --ignore-failed-read -C . --null -T - -cf - | tar -C "$0" -xf -', folder], {
    input: listed,
  });
  execFileSync('cp', ['-al', join(process.cwd(), 'node_modules'), folder]);
  const env = { ...process.env, SOURCE_DATE_EPOCH: EPOCH, TZ: umask === '077' ? 'Asia/Tokyo' : 'UTC' };
  execFileSync('sh', ['-c', `umask ${umask} && npm run --silent package`], { cwd: folder, env, stdio: 'pipe' });
  return readFileSync(join(folder, 'build/package/SHA256SUMS'), 'utf8');
}

test('the same sources make the same files, wherever and by whomever', { timeout: 3_600_000 }, () => {
  const first = release(join(parent, 'a'), '022');
  expect(first.split('\n').length).toBeGreaterThan(12);
  expect(release(join(parent, 'another/folder/below'), '077')).toBe(first);
});
