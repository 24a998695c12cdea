/**
 * Measures what `--collector.http_status` costs: nginx under wrk, saturated, with the exporter as it is by default and
 * with that collector too, in turn; then the time of the collector's programs for a packet. Needs Debian's nginx-light
 * and wrk.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Nginx } from './nginx.ts';
import { printRow, quantile, type Row } from './results.ts';
import { Subject } from './subject.ts';

const ROUNDS = 9;
const SECONDS = 4;
const PORT = 18_432;
const PROGRAM = resolve('dist/lorikeet-exporter.js');
const FLAG = '--collector.http_status';
const BPF_STATS = '/proc/sys/kernel/bpf_stats_enabled';

export async function measureHttpStatus(): Promise<readonly Row[]> {
  const server = await Nginx.start(PORT);
  try {
    server.load(1);
    const rates = { without: [] as number[], with: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      rates.without.push(await underLoad(server, []));
      rates.with.push(await underLoad(server, [FLAG]));
    }
    const rows = [...rateRows(rates.without, rates.with), ...(await packetRows(server))];
    rows.forEach(printRow);
    return rows;
  } finally {
    await server.stop();
  }
}

/** Requests a second beside the exporter with these flags. */
async function underLoad(server: Nginx, flags: readonly string[]): Promise<number> {
  const subject = await Subject.start([PROGRAM, '--web.listen-address=127.0.0.1:0', ...flags]);
  try {
    return server.load(SECONDS);
  } finally {
    await subject.stop();
  }
}

function rateRows(without: readonly number[], counted: readonly number[]): readonly Row[] {
  const what = `nginx under wrk, saturated, ${FLAG}`;
  const row = (rates: readonly number[]) => ({
    what,
    median: quantile(rates, 0.5),
    p99: quantile(rates, 0.99),
    unit: 'requests/s',
  });
  const [own, plain] = [row(counted), row(without)];
  return [own, { ...plain, peer: 'without it', ratio: Math.round((plain.median / own.median) * 1000) / 1000 }];
}

interface Program {
  readonly id: number;
  readonly name?: string;
  readonly run_time_ns?: number;
  readonly run_cnt?: number;
}

function programs(): readonly Program[] {
  const text = execFileSync('bpftool', ['-j', 'prog', 'show'], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return JSON.parse(text) as readonly Program[];
}

/** The mean time of the collector's programs for a packet in each round, which includes what measuring it takes. */
async function packetRows(server: Nginx): Promise<readonly Row[]> {
  const known = new Set(programs().map(({ id }) => id));
  const stats = readFileSync(BPF_STATS, 'utf8');
  const subject = await Subject.start([PROGRAM, '--web.listen-address=127.0.0.1:0', FLAG]);
  const own = () => programs().filter(({ id }) => !known.has(id));
  const means: Record<string, number[]> = { http_egress: [], http_ingress: [] };
  try {
    writeFileSync(BPF_STATS, '1');
    for (let round = 0; round < ROUNDS; round++) {
      const before = own();
      server.load(1);
      const after = own();
      for (const [name, of] of Object.entries(means)) of.push(meanNs(find(before, name), find(after, name)));
    }
  } finally {
    writeFileSync(BPF_STATS, stats);
    await subject.stop();
  }
  return Object.entries(means).map(([name, of]) => ({
    what: `${name}, a packet`,
    median: quantile(of, 0.5),
    p99: quantile(of, 0.99),
    unit: 'ns',
  }));
}

function find(from: readonly Program[], name: string): Program {
  const program = from.find((candidate) => candidate.name === name);
  if (program === undefined) throw new Error(`${name} is not loaded`);
  return program;
}

function meanNs(before: Program, after: Program): number {
  const time = (after.run_time_ns ?? 0) - (before.run_time_ns ?? 0);
  return time / ((after.run_cnt ?? 0) - (before.run_cnt ?? 0));
}
