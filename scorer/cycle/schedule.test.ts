import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Schedule } from './schedule.ts';

describe('Schedule', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 10_250 }));
  afterEach(() => void vi.useRealTimers());

  it('runs each step once, the delay after its time', async () => {
    const ran: [number, number][] = [];
    const cycle = async (step: number) => void ran.push([step, Date.now()]);
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 300, cycle, onSkip: () => undefined });
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

  it('goes on after a stop, and never beside a cycle that is still running', async () => {
    const ran: number[] = [];
    let [underWay, most] = [0, 0];
    const cycle = async (step: number) => {
      ran.push(step);
      most = Math.max(most, ++underWay);
      if (step === 11) await new Promise((resolve) => setTimeout(resolve, 1500));
      underWay--;
    };
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 300, cycle, onSkip: () => undefined });
    schedule.start();
    await vi.advanceTimersByTimeAsync(1200);
    const stopped = schedule.stop(100);
    await vi.advanceTimersByTimeAsync(100);
    await stopped;
    schedule.start();
    await vi.advanceTimersByTimeAsync(3000);
    await schedule.stop();
    expect([ran, most]).toEqual([[10, 11, 13, 14], 1]);
  });

  it('runs each step once when the delay is longer than the interval', async () => {
    const ran: [number, number][] = [];
    const cycle = async (step: number) => void ran.push([step, Date.now()]);
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 2500, cycle, onSkip: () => expect.fail() });
    schedule.start();
    await vi.advanceTimersByTimeAsync(3000);
    await schedule.stop();
    expect(ran).toEqual([
      [8, 10_500],
      [9, 11_500],
      [10, 12_500],
    ]);
  });

  it.each([700, 2500])('runs no step twice and skips none when the delay grows to %d ms', async (longer) => {
    const ran: number[] = [];
    let delayMs = 300;
    const cycle = async (step: number) => {
      ran.push(step);
      if (step === 11) delayMs = longer;
    };
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => delayMs, cycle, onSkip: () => expect.fail() });
    schedule.start();
    await vi.advanceTimersByTimeAsync(8000);
    await schedule.stop();
    expect(ran).toEqual(Array.from(ran, (_, index) => 10 + index));
    expect(ran.at(-1)).toBe(Math.floor((18_250 - longer) / 1000));
  });

  it('runs no step early, and skips none, when the first timer fires a millisecond early', async () => {
    const ran: number[] = [];
    const cycle = async (step: number) => {
      ran.push(step);
      await new Promise((resolve) => setTimeout(resolve, 100));
    };
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 300, cycle, onSkip: () => expect.fail() });
    schedule.start();
    vi.setSystemTime(10_249);
    await vi.advanceTimersByTimeAsync(3000);
    await schedule.stop();
    expect(ran).toEqual([10, 11, 12]);
  });

  it('runs the steps of a clock that was set back', async () => {
    const ran: number[] = [];
    const cycle = async (step: number) => void ran.push(step);
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 300, cycle, onSkip: () => undefined });
    schedule.start();
    await vi.advanceTimersByTimeAsync(1000);
    vi.setSystemTime(5250);
    await vi.advanceTimersByTimeAsync(2000);
    await schedule.stop();
    expect(ran).toEqual([10, 5, 6]);
  });

  it('skips and counts steps that an overrunning cycle leaves no time for; queues nothing', async () => {
    const ran: number[] = [];
    let skipped = 0;
    const cycle = async (step: number) => {
      ran.push(step);
      if (step === 10) await new Promise((resolve) => setTimeout(resolve, 2500));
    };
    const onSkip = (count: number) => void (skipped += count);
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 300, cycle, onSkip });
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
    const schedule = new Schedule({ intervalMs: 1000, delayMs: () => 0, cycle, onSkip: () => undefined });
    schedule.start();
    await vi.advanceTimersByTimeAsync(800);
    const stopped = schedule.stop();
    expect(done).toBe(false);
    await vi.advanceTimersByTimeAsync(500);
    await stopped;
    expect(done).toBe(true);
  });
});
