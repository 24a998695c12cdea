import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { architecturePicture, foldersOf } from '../generate/architecture-picture.ts';

const DOCUMENT = readFileSync('docs/architecture.md', 'utf8');
const PARTS = ['native', 'daemon', 'exporter', 'scorer', 'microsim'];

/** Every directory with a list of imports. */
const ROOMS = PARTS.flatMap((part) =>
  readdirSync(part, { recursive: true })
    .map((path) => `${part}/${String(path)}`)
    .filter((path) => path.endsWith('/imports.txt') && !path.includes('node_modules'))
    .map((path) => dirname(path)),
);

test('docs/architecture.md has every room, and only existing ones', () => {
  expect(ROOMS.length).toBeGreaterThan(30);
  const inner = ROOMS.filter((room) => room.includes('/'));
  const listed = [...DOCUMENT.matchAll(/^\| `([a-z-]+\/[a-z/-]+)` \|/gm)].map(([, room = '']) => room);
  expect(listed.toSorted()).toEqual(inner.toSorted());
  for (const part of PARTS) expect(DOCUMENT).toContain(`\n## ${part}\n`);
});

test('docs/images/lorikeet.svg has every top-level folder, and only existing ones', () => {
  const untracked = ['node_modules', 'build', 'dist'];
  const folders = readdirSync('.', { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !untracked.includes(entry.name))
    .map(({ name }) => name);
  expect(foldersOf(architecturePicture()).toSorted()).toEqual(folders.toSorted());
});
