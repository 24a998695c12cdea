import { expect, test } from 'vitest';
import { parseProcessorTime, processorTime } from './processor-time.ts';

test('the times follow the name, whatever characters it has', () => {
  const stat = '42 (a) b (c)) S 1 42 42 0 -1 4194560 5 0 0 0 123 45 6 7 20 0 11 0 99 1 2\n';
  expect(parseProcessorTime(stat)).toEqual({ user: 1230, system: 450 });
});

test('a busy process has used CPU time', () => {
  const before = processorTime(process.pid);
  const { user, system } = process.cpuUsage();
  for (let now = process.cpuUsage(); now.user + now.system < user + system + 100_000;) now = process.cpuUsage();
  const after = processorTime(process.pid);
  expect(after.user + after.system - before.user - before.system).toBeGreaterThanOrEqual(80);
});
