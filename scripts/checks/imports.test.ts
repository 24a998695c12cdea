import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importsOf, violations } from './imports.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lorikeet-imports-'));
});
afterEach(() => rmSync(root, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

test('a room may import itself and the entries of its list, including single files and types', () => {
  write({
    'exporter/imports.txt': '# The program.\nexporter/kernel\n',
    'exporter/main.ts': "import { probe } from './kernel/probe.ts';\nimport './app.ts';\n",
    'exporter/app.ts': "const later = () => import('./kernel/deep/row.ts');\n",
    'exporter/config.ts': 'export interface Config {}\n',
    'exporter/kernel/imports.txt': 'exporter/config.ts   # its type\n',
    'exporter/kernel/probe.ts': "import type { Config } from '../config.ts';\nimport { row } from './deep/row.ts';\n",
    'exporter/kernel/deep/row.ts': 'export const row = 1;\n',
  });
  expect(violations(root)).toEqual([]);
});

test.each([
  ["import { app } from '../app.ts';", 'exporter/kernel/probe.ts: may not import exporter/app.ts'],
  ["import type { app } from '../app.ts';", 'exporter/kernel/probe.ts: may not import exporter/app.ts'],
  ["export { app } from '../app.ts';", 'exporter/kernel/probe.ts: may not import exporter/app.ts'],
  ["const app = await import('../app.ts');", 'exporter/kernel/probe.ts: may not import exporter/app.ts'],
  ["import {\n  score,\n} from '../../scorer/score.ts';", 'exporter/kernel/probe.ts: may not import scorer/score.ts'],
])('%s is a violation unless it is allowed', (statement, line) => {
  write({
    'exporter/imports.txt': '',
    'exporter/app.ts': '',
    'exporter/kernel/imports.txt': 'exporter/config.ts\n',
    'exporter/kernel/probe.ts': `${statement}\n`,
    'scorer/score.ts': '',
    'scorer/imports.txt': '',
  });
  expect(violations(root)).toEqual([`${line}; exporter/kernel/imports.txt allows exporter/config.ts`]);
});

test('an import cycle includes types, and is reported once', () => {
  write({
    'daemon/imports.txt': '',
    'daemon/a.ts': "import { b } from './b.ts';\n",
    'daemon/b.ts': "import type { c } from './c.ts';\n",
    'daemon/c.ts': "import { a } from './a.ts';\n",
  });
  expect(violations(root)).toEqual(['import cycle: daemon/a.ts -> daemon/b.ts -> daemon/c.ts -> daemon/a.ts']);
});

test('tests and their data may import anything; a room without any list is a violation', () => {
  write({
    'daemon/imports.txt': '',
    'daemon/a.test.ts': "import { app } from '../exporter/app.ts';\n",
    'daemon/testdata/x.ts': "import { app } from '../../exporter/app.ts';\n",
    'exporter/app.ts': '',
  });
  expect(violations(root)).toEqual(['exporter/app.ts: no imports.txt in its directory or above']);
});

test('the product has no violations', () => {
  const graph = importsOf('.');
  expect(graph.size).toBeGreaterThan(150);
  expect(graph.get('exporter/app.ts')).toContain('exporter/kernel/probes.ts');
  expect(violations('.')).toEqual([]);
});
