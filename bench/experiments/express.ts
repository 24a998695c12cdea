/** What importing express and making an application adds to the memory of a process that has node:http already. */
import { execFileSync } from 'node:child_process';
import { median } from '../../scorer/numeric/statistics.ts';
import { writeResults } from '../results.ts';

const ROUNDS = 7;
const MEASURE = `
const { createServer } = await import('node:http');
createServer(() => undefined).listen(0).close();
const before = process.memoryUsage.rss();
if (process.argv[1] === 'express') (await import('express')).default();
process.stdout.write(String((process.memoryUsage.rss() - before) / 1e6));
`;

function measure(what: string): number {
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', MEASURE, what], { encoding: 'utf8' }));
}

const measured = { nothing: [] as number[], express: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  measured.nothing.push(measure('nothing'));
  measured.express.push(measure('express'));
}
const rows = Object.entries(measured).map(([what, values]) => ({ what, added_mb: Number(median(values).toFixed(1)) }));
writeResults('express', rows);
for (const { what, added_mb: added } of rows) process.stdout.write(`${what.padEnd(10)} ${added} MB\n`);
