import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../until.ts';
import { RunningProgram, serving } from '../../running-program.ts';
import { type FakePrometheus, startFakePrometheus } from './servers/prometheus-api.ts';

describe('a scorer whose Prometheus does not answer', () => {
  let folder: string;
  let prometheus: FakePrometheus;
  let scorer: RunningProgram | undefined;
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
  const startAndHang = async (): Promise<RunningProgram> => {
    const started = (scorer = await RunningProgram.start(serving('scorer'), { cwd: folder }));
    await until('a cycle', async () => (await started.value('lorikeet_scorer_last_cycle_timestamp_seconds')) > 0);
    hang();
    const before = waiting;
    await until('a cycle to wait', () => waiting > before);
    return started;
  };

  it('ends with status 0, and saves its state, while a cycle waits', async () => {
    const stuck = await startAndHang();
    stuck.signal('SIGTERM');
    expect(await stuck.exited).toBe(0);
    expect(readdirSync(join(folder, 'state', 'models'))).toContain('changes.json');
    expect(stuck.log.join('\n')).not.toMatch(/timed out|cycle failed/);
  });

  it('ends with status 0 while a reload waits for that cycle', async () => {
    const stuck = await startAndHang();
    stuck.signal('SIGHUP');
    // The signals arrive in this order, and the reload begins at once.
    stuck.signal('SIGTERM');
    expect(await stuck.exited).toBe(0);
    expect(stuck.log.join('\n')).not.toMatch(/timed out|reload failed/);
  });

  it('ends with status 0 while its start waits', async () => {
    hang();
    const stuck = (scorer = RunningProgram.launch(serving('scorer'), { cwd: folder }));
    await until('the start to wait', () => waiting > 0, { timeoutMs: 30_000 });
    stuck.signal('SIGTERM');
    expect(await stuck.exited).toBe(0);
  });
});
