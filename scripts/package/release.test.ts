import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const WORKFLOWS = readdirSync('.github/workflows').map((name) => join('.github/workflows', name));
const DOCKERFILE = readFileSync('manifests/images/Dockerfile', 'utf8');
/** Versions that are chosen by a matrix, to test with several. */
const CHOSEN = /^node:\$\{\{ matrix\.node \}\}-bookworm$/;

describe('what a release is made with', () => {
  test.each(WORKFLOWS)('%s: every action and image is pinned by digest', (workflow) => {
    const text = readFileSync(workflow, 'utf8');
    const actions = [...text.matchAll(/\buses: (\S+)/g)].map(([, action = '']) => action);
    expect(actions.length).toBeGreaterThan(0);
    expect(actions.filter((action) => !/^\.\/|@[0-9a-f]{40}$/.test(action))).toEqual([]);
    const images = [...text.matchAll(/\bimage: (\S.*)$/gm)].map(([, image = '']) => image);
    expect(images.filter((image) => !/@sha256:[0-9a-f]{64}$/.test(image) && !CHOSEN.test(image))).toEqual([]);
  });

  test('the images are pinned by digest, and packages are built where images are', () => {
    const bases = [...DOCKERFILE.matchAll(/^ARG (?:NODE|BASE)=(\S+)$/gm)].map(([, base = '']) => base);
    expect(bases.length).toBe(2);
    for (const base of bases) expect(base).toMatch(/@sha256:[0-9a-f]{64}$/);
    expect(readFileSync('.github/workflows/release.yml', 'utf8')).toContain(`image: ${bases[0]}\n`);
  });
});

describe('check-tag.sh', () => {
  const FILES = ['package.json', 'manifests/chart/Chart.yaml', 'scripts/package/check-tag.sh'];
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-tag-'));
    for (const file of FILES) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(file, join(folder, file));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function check(tag: string, changelog: string) {
    writeFileSync(join(folder, 'CHANGELOG.md'), changelog);
    const args = [join(folder, 'scripts/package/check-tag.sh'), tag];
    const { status, stdout, stderr } = spawnSync('bash', args, { encoding: 'utf8' });
    return { status, stdout, stderr };
  }

  test('prints the changes of the version', () => {
    const changelog = `# Changelog\n\n## Unreleased\n\n- a\n\n## ${version} - 2026-12-01\n\n- b\n\n### Scorer\n\n- c\n\n## 0.0.9\n\n- d\n`;
    expect(check(`v${version}`, changelog)).toEqual({ status: 0, stdout: '\n- b\n\n### Scorer\n\n- c\n', stderr: '' });
  });

  test.each([
    [`v${version}`, '## Unreleased\n\n- a\n', 'CHANGELOG.md: expected a section'],
    [`v${version}`, `## ${version}.1\n\n- a\n`, 'CHANGELOG.md: expected a section'],
    ['v9.9.9', '## 9.9.9\n\n- a\n', 'package.json: expected version 9.9.9'],
    [version, `## ${version}\n\n- a\n`, 'package.json: expected version'],
  ])('refuses %s with the changelog %o', (tag, changelog, reason) => {
    const { status, stdout, stderr } = check(tag, changelog);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`check-tag: ${reason}`);
  });

  test('refuses a chart of another version', () => {
    const chart = join(folder, 'manifests/chart/Chart.yaml');
    const text = readFileSync(chart, 'utf8');
    writeFileSync(chart, text.replace(/^appVersion: .*$/m, 'appVersion: 0.0.0'));
    expect(check(`v${version}`, `## ${version}\n\n- a\n`).stderr).toContain('Chart.yaml: appVersion: expected');
    writeFileSync(chart, text);
  });
});

test('shell scripts of packages are valid for sh', () => {
  for (const name of readdirSync('scripts/package/debian'))
    execFileSync('sh', ['-n', join('scripts/package/debian', name)]);
  execFileSync('sh', ['-n', 'scripts/package/launcher.sh']);
});
