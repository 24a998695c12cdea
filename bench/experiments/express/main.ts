/**
 * Measures the memory of the common pages on node:http and on express, bundled like the programs, in addition to that
 * of an empty server, after requests like those of a scraper and a probe.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { median } from '../../../scorer/numeric/statistics.ts';
import { bundle } from '../../../scripts/bundle/bundle.mjs';
import { writeResults } from '../../results.ts';

const SUBJECTS = { bare: 'bare', 'node:http': 'node-http', express: 'with-express' } as const;
const ROUNDS = 7;
const REQUESTS = 500;
const PATHS = ['/metrics', '/-/healthy', '/-/ready', '/'];

/** Resident memory of a fresh process after its requests, in MB. */
async function measure(program: string): Promise<number> {
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`${program} ended`);
    return value;
  };
  const url = `http://${await next()}`;
  for (let index = 0; index < REQUESTS; index++) {
    await (await fetch(url + (PATHS[index % PATHS.length] ?? ''))).arrayBuffer();
  }
  child.stdin.end();
  return Number(await next());
}

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-express-'));
try {
  const sources = Object.values(SUBJECTS).map((file) => [file, `bench/experiments/express/${file}.ts`] as const);
  await bundle(Object.fromEntries(sources), { outdir: folder });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  const measured = Object.entries(SUBJECTS).map(([what, file]) => ({ what, file, values: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { file, values } of measured) values.push(await measure(join(folder, `${file}.js`)));
  }
  const bare = median(measured[0]?.values ?? []);
  const inMb = (value: number) => Number(value.toFixed(1));
  const rows = measured.map(({ what, values }) => ({
    what,
    rss_mb: inMb(median(values)),
    added_mb: inMb(median(values) - bare),
  }));
  writeResults('express', rows);
  for (const { what, rss_mb: rss, added_mb: added } of rows) {
    process.stdout.write(`${what.padEnd(10)} ${rss} MB resident, ${added} MB of them its own\n`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
