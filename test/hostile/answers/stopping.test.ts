import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../until.ts';
import { run, type Running } from '../clients/running.ts';
import { type FakePrometheus, startFakePrometheus } from './servers/prometheus-api.ts';

describe('a scorer whose Prometheus does not answer', () => {
  let folder: string;
  let prometheus: FakePrometheus;
  let scorer: Running | undefined;
  let waiting = 0;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-hostile-stopping-'));
    prometheus = await startFakePrometheus();
    const text = `prometheus: { url: '${prometheus.url}', timeout: 60s }\noutput: metrics\ninterval: 1s\ndelay: 100ms\n`;
    writeFileSync(join(folder, 'scorer.yaml'), `${text}state_dir: state\n`);
    waiting = 0;
  });
  afterEach(async () => {
    await scorer?.kill();
    scorer = undefined;
    await prometheus.stop();
    rmSync(folder, { recursive: true });
  });

  /** From now on; queries for features are those of cycles. */
  const hang = () =>
    prometheus.misbehave((query) => {
      if (query.get('query')?.includes('lorikeet_feature') === true) waiting++;
      return true;
    });
  const startAndHang = async (): Promise<Running> => {
    const started = (scorer = await run('scorer', { cwd: folder }));
    await until('a cycle', async () => (await started.value('lorikeet_scorer_last_cycle_timestamp_seconds')) > 0);
    hang();
    const before = waiting;
    await until('a cycle to wait', () => waiting > before);
    return started;
  };
  const ended = async ({ ended: end, log }: Running) =>
    until('the end', () => end() !== undefined, { timeoutMs: 20_000, seen: () => log.join('\n') }).then(end);

  it('ends with status 0, and saves its state, while a cycle waits', async () => {
    const stuck = await startAndHang();
    stuck.signal('SIGTERM');
    expect(await ended(stuck)).toBe(0);
    expect(readdirSync(join(folder, 'state', 'models'))).toContain('changes.json');
    expect(stuck.log.join('\n')).not.toMatch(/timed out|cycle failed/);
  });

  it('ends with status 0 while a reload waits for that cycle', async () => {
    const stuck = await startAndHang();
    stuck.signal('SIGHUP');
    // The signals arrive in this order, and the reload begins at once.
    stuck.signal('SIGTERM');
    expect(await ended(stuck)).toBe(0);
    expect(stuck.log.join('\n')).not.toMatch(/timed out|reload failed/);
  });

  it('ends with status 0 while its start waits', async () => {
    hang();
    const program = resolve('dist/lorikeet-scorer.js');
    const child = spawn(process.execPath, [program, 'run', '--web.listen-address=127.0.0.1:0'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const exited = once(child, 'exit');
    await until('the start to wait', () => waiting > 0, { timeoutMs: 30_000 });
    child.kill('SIGTERM');
    expect(await exited).toEqual([0, null]);
  });
});
