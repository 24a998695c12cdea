/**
 * Compares @grafana/ui with uPlot, on which it is built, for the time series of the preview: packages and bytes to
 * install, and bytes of a page that imports the component. Installs both in a temporary folder.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { writeResults } from '../results.ts';

const LIBRARIES = [
  { what: 'uplot', install: ['uplot@1.6.32'], use: "import uPlot from 'uplot'; globalThis.kept = uPlot;" },
  {
    what: '@grafana/ui',
    install: ['@grafana/ui@13.2.3', 'react@19', 'react-dom@19'],
    use: "import { TimeSeries } from '@grafana/ui'; globalThis.kept = TimeSeries;",
  },
];

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function measure(folder: string, { what, install, use }: (typeof LIBRARIES)[number]) {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  // Its peer dependencies require both React 18 and 19.
  const flags = ['--legacy-peer-deps', '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
  execFileSync('npm', ['install', ...flags, ...install], { cwd: folder, stdio: 'inherit' });
  const files = filesBelow(join(folder, 'node_modules'));
  const page = await build({
    stdin: { contents: use, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    outdir: folder,
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'text', '.png': 'dataurl', '.ttf': 'dataurl' },
    logLevel: 'error',
  });
  const script = page.outputFiles.find(({ path }) => path.endsWith('.js'))?.contents.length ?? 0;
  return {
    what,
    packages: files.filter((file) => /node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(file)).length,
    installed_mb: Number((files.reduce((sum, file) => sum + statSync(file).size, 0) / 1e6).toFixed(1)),
    script_kb: Math.round(script / 1e3),
  };
}

const rows = [];
for (const library of LIBRARIES) {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-library-'));
  try {
    rows.push(await measure(folder, library));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
writeResults('time-series-library', rows);
for (const { what, packages, installed_mb: installed, script_kb: script } of rows) {
  process.stdout.write(`${what.padEnd(12)} ${packages} packages, ${installed} MB installed, ${script} kB of script\n`);
}
