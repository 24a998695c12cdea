import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from '../../dashboards/all.ts';
import { readFeatures } from '../../scorer/features.ts';
import { renderRecordingRules } from '../../scorer/recording-rules.ts';

/** The repository: this code runs bundled in dist/. */
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** A folder that holds nothing but what is generated. */
function writeFolder(path: string, files: Readonly<Record<string, string>>): void {
  const folder = join(ROOT, path);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

const rules = renderRecordingRules(readFeatures(join(ROOT, 'rules/features.yaml')));
const boards = Object.fromEntries(
  dashboards().map((dashboard) => [`${dashboard.uid}.json`, `${JSON.stringify(dashboard, null, 2)}\n`]),
);
writeFolder('rules/generated', { 'lorikeet.rules.yaml': rules });
writeFolder('dashboards/generated', boards);
