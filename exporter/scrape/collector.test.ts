import { beforeEach, expect, it } from 'vitest';
import { ConditionLog, createLogger } from '../../daemon/logger.ts';
import { runCollector, unavailable, type Collector } from './collector.ts';
import { series } from './exposition.ts';
import { TextExposition } from './text-exposition.ts';

let lines: string[];
let log: ConditionLog;
let out: TextExposition;
beforeEach(() => {
  lines = [];
  log = new ConditionLog(createLogger({ write: (line) => lines.push(line.replace(/^ts=\S+ /, '')) }));
  out = new TextExposition();
});

it('drops the output of a collector that throws half-way, and logs on change of state only', async () => {
  let broken = true;
  const collector: Collector = {
    name: 'half',
    async collect(into) {
      into.family('half', 'gauge', 'Half.');
      into.sample(series('half'), 1);
      await Promise.resolve();
      if (broken) throw new Error('torn');
    },
  };
  const whole: Collector = {
    name: 'whole',
    collect(into) {
      into.family('whole', 'gauge', 'Whole.');
      into.sample(series('whole'), 2);
    },
  };
  expect((await runCollector(collector, out, log)).success).toBe(false);
  expect((await runCollector(whole, out, log)).success).toBe(true);
  expect((await runCollector(collector, out, log)).success).toBe(false);
  expect(out.toString()).toBe('# HELP whole Whole.\n# TYPE whole gauge\nwhole 2\n');
  broken = false;
  const outcome = await runCollector(collector, out, log);
  expect(outcome).toMatchObject({ name: 'half', success: true });
  expect(outcome.seconds).toBeGreaterThanOrEqual(0);
  expect(out.toString()).toContain('half 1\n');
  expect(lines).toEqual([
    'level=warn msg="collector failed" collector=half error=torn',
    'level=info msg="collector recovered" collector=half',
  ]);
});

it('logs once why a collector is unavailable', async () => {
  const collector = unavailable('edges', new Error('no such tracepoint'));
  await runCollector(collector, out, log);
  expect(await runCollector(collector, out, log)).toMatchObject({ name: 'edges', success: false });
  expect(lines).toEqual(['level=warn msg="collector failed" collector=edges error="no such tracepoint"']);
});
