/** Runs the demo once for each fault and collects its reports in bench/results/demo.json. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags, type Flags } from '../daemon/flags.ts';
import type { DemoReport } from '../scripts/demo/scenario.ts';
import { writeResults } from './results.ts';

const FLAGS = {
  cases: {
    type: 'string',
    default:
      'latency:catalog,cpu:payment,crash:cart,error:shipping,refuse:currency,pause:recommendation,memory_leak:ad',
    help: 'fault:service, ...',
  },
  learning: { type: 'number', default: 150, help: 'Seconds of normal traffic for learning.' },
} as const satisfies Flags;

const { values } = parseFlags(process.argv.slice(2), FLAGS);
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
const rows: (DemoReport & { status: number | null })[] = [];
try {
  for (const [fault, service] of values.cases.split(',').map((text) => text.split(':'))) {
    const report = join(folder, 'report.json');
    const { status } = spawnSync(
      process.execPath,
      [
        'dist/demo.js',
        `--fault=${fault}`,
        `--service=${service}`,
        `--report=${report}`,
        `--learning=${values.learning}`,
      ],
      { stdio: 'inherit' },
    );
    rows.push({ ...(JSON.parse(readFileSync(report, 'utf8')) as DemoReport), status });
    writeResults('demo', rows);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const seconds = (value: number | null) => (value === null ? 'never' : `${value} s`);
process.stdout.write(
  '| fault | service | score above 1 | alert fires | rank | resolved after |\n|---|---|---|---|---|---|\n',
);
for (const row of rows) {
  const cells = [row.fault, row.service, seconds(row.score_crossed_seconds), seconds(row.alert_fired_seconds)];
  process.stdout.write(`| ${[...cells, row.root_cause_rank ?? '-', seconds(row.resolved_seconds)].join(' | ')} |\n`);
}
process.exitCode = rows.every(({ status }) => status === 0) ? 0 : 1;
