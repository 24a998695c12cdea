import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Schedule } from './schedule.ts';

describe('Schedule', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 10_250 }));
  afterEach(() => void vi.useRealTimers());

  it('runs each step once, the delay after its time', async () => {
    const ran: [number, number][] = [];
    const cycle = async (step: number) => void ran.push([step, Date.now()]);
    const schedule = new Schedule({ intervalMs: 1000, delayMs: 300, cycle, onSkip: () => undefined });
    schedule.start();
    await vi.advanceTimersByTimeAsync(3000);
    await schedule.stop();
    expect(ran).toEqual([
      [10, 10_300],
      [11, 11_300],
      [12, 12_300],
    ]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(ran).toHaveLength(3);
  });

  it('skips and counts steps that an overrunning cycle leaves no time for; queues nothing', async () => {
    const ran: number[] = [];
    let skipped = 0;
    const cycle = async (step: number) => {
      ran.push(step);
      if (step === 10) await new Promise((resolve) => setTimeout(resolve, 2500));
    };
    const onSkip = (count: number) => void (skipped += count);
    const schedule = new Schedule({ intervalMs: 1000, delayMs: 300, cycle, onSkip });
    schedule.start();
    await vi.advanceTimersByTimeAsync(5000);
    await schedule.stop();
    expect(ran).toEqual([10, 13, 14]);
    expect(skipped).toBe(2);
  });

  it('waits for the running cycle when it is stopped', async () => {
    let done = false;
    const cycle = async () => {
      await new Promise((resolve) => setTimeout(resolve, 500));
      done = true;
    };
    const schedule = new Schedule({ intervalMs: 1000, delayMs: 0, cycle, onSkip: () => undefined });
    schedule.start();
    await vi.advanceTimersByTimeAsync(800);
    const stopped = schedule.stop();
    expect(done).toBe(false);
    await vi.advanceTimersByTimeAsync(500);
    await stopped;
    expect(done).toBe(true);
  });
});
