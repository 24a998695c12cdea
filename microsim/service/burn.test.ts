import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CpuHog, burn } from './burn.ts';

const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

describe('burn', () => {
  it('uses the given CPU time, and none for zero', () => {
    const before = cpuMs();
    burn(20);
    expect(cpuMs() - before).toBeGreaterThanOrEqual(20);
    const idle = cpuMs();
    burn(0);
    burn(-1);
    expect(cpuMs() - idle).toBeLessThan(10);
  });
});

describe('CpuHog', () => {
  it.each([
    ['without requests', 0],
    ['with more requests than the share allows', 1],
  ])('burns, but never more than its share, %s', async (_case, requests) => {
    const began = performance.now();
    const before = cpuMs();
    const hog = new CpuHog(0.4, 10);
    // Ends only when the CPU time is used, however busy the machine is.
    while (cpuMs() - before < 200 || performance.now() - began < 400) {
      if (requests > 0) hog.request();
      await sleep(1);
    }
    hog.stop();
    // 0.4, and the CPU time of this loop and the test runner.
    expect((cpuMs() - before) / (performance.now() - began)).toBeLessThan(0.75);
  });
});
