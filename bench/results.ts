import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { dirname } from 'node:path';

/** A benchmark's result file, `bench/results/<name>.json`. */
export interface Results<Row> {
  readonly machine: string;
  /** RFC 3339. */
  readonly date: string;
  readonly commit: string;
  readonly rows: readonly Row[];
}

/** Writes `bench/results/<name>.json`, one row for each measured point. */
export function writeResults<Row>(name: string, rows: readonly Row[]): Results<Row> {
  const results = { machine: describeMachine(), date: new Date().toISOString(), commit: commit(), rows };
  const path = `bench/results/${name}.json`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  return results;
}

/** CPUs, memory, and the versions of kernel, Node.js and Prometheus. */
export function describeMachine(): string {
  const processors = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  const prometheus = firstLine('prometheus', ['--version']).replace(/ \(.*/, '');
  return `${processors.length} x ${processors[0]?.model ?? 'unknown'}, ${memory} GiB, Linux ${release()}, Node ${process.version}, ${prometheus}`;
}

function commit(): string {
  return firstLine('git', ['rev-parse', '--short', 'HEAD']) || 'none';
}

function firstLine(program: string, args: readonly string[]): string {
  try {
    const out = execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return out.split('\n')[0] ?? '';
  } catch {
    return '';
  }
}
