import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupMount } from '../../microsim/controller/cgroup.ts';
import type { DemoReport } from '../../scripts/demo/scenario.ts';

const DEMO = resolve('dist/demo.js');
let folder: string;

/**
 * Leftovers of the demo with this process id; others may run at the same time. BPF programs end with their processes.
 */
function leftovers(pid: number): string[] {
  const namespaces = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).split('\n');
  const processes = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && commandOf(name).includes(`demo-${pid}`),
  );
  return [
    ...namespaces.filter((name) => name.includes(`.demo-${pid}.`)),
    ...readdirSync(findCgroupMount()).filter((name) => name.endsWith(`.demo-${pid}`)),
    ...readdirSync(tmpdir()).filter((name) => name.startsWith(`lorikeet-demo-${pid}-`)),
    ...processes.map((process) => `${process} ${commandOf(process)}`),
  ];
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It has ended in the meantime.
    return '';
  }
}

interface Ended {
  readonly status: number | null;
  readonly output: string;
  readonly pid: number;
}

/** Runs the demo. With `interruptAt`, sends SIGINT once its output contains that text. */
function demo(args: readonly string[], interruptAt?: string): Promise<Ended> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, [DEMO, `--report=${join(folder, 'report.json')}`, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let interrupted = false;
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (interruptAt === undefined || interrupted || !output.includes(interruptAt)) return;
      interrupted = true;
      child.kill('SIGINT');
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', (status) => done({ status, output, pid: child.pid ?? 0 }));
  });
}

describe('the demo', () => {
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-e2e-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(
    'detects a fault, fires, names the root cause, resolves, and leaves nothing behind',
    { timeout: 480_000 },
    async () => {
      const { status, output, pid } = await demo(['--fault=latency', '--service=catalog', '--learning=75']);
      expect(output).toContain('all steps succeeded');
      expect(status).toBe(0);
      const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as DemoReport;
      expect(report).toMatchObject({ service: 'catalog', root_cause_rank: 1, false_alarms_before_fault: 0 });
      expect(report.alert_fired_seconds).toBeGreaterThanOrEqual(report.score_crossed_seconds ?? Infinity);
      expect(report.resolved_seconds).toBeGreaterThan(0);
      expect(leftovers(pid)).toEqual([]);
    },
  );

  it('leaves nothing behind when it is interrupted', { timeout: 120_000 }, async () => {
    const { status, output, pid } = await demo([], 'learning normal behaviour');
    expect(output).toContain('interrupted');
    expect(status).toBe(1);
    expect(leftovers(pid)).toEqual([]);
  });

  it('rejects an unknown service in one line', { timeout: 60_000 }, async () => {
    const { status, output, pid } = await demo(['--service=warehouse']);
    expect(status).toBe(2);
    expect(output.trim().split('\n')).toHaveLength(1);
    expect(output).toContain('--service: expected one of frontend');
    expect(leftovers(pid)).toEqual([]);
  });
});
