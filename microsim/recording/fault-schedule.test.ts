import { describe, expect, it } from 'vitest';
import { DEFAULT_FAULT_TYPES, FAULT_TYPES, parseFault } from '../protocol/fault.ts';
import { planFaults, type ScheduleOptions } from './fault-schedule.ts';

const options: ScheduleOptions = {
  duration: 3_600_000,
  faults: undefined,
  faultDuration: 60_000,
  recovery: 120_000,
  warmup: 300_000,
  seed: 1,
  services: ['web', 'cart', 'db'],
  types: DEFAULT_FAULT_TYPES,
};

describe('planFaults', () => {
  it('plans as many faults as fit, with recovery after each', () => {
    const plan = planFaults(options);
    expect(plan).toHaveLength(18);
    expect(plan[0]!.at).toBeGreaterThanOrEqual(300_000);
    plan.forEach(({ at, duration }, index) => {
      expect(at + duration + 120_000).toBeLessThanOrEqual(plan[index + 1]?.at ?? options.duration);
    });
  });

  it('spreads fewer faults at random, the same for the same seed', () => {
    const plan = planFaults({ ...options, faults: 4 });
    expect(plan).toHaveLength(4);
    expect(planFaults({ ...options, faults: 4 })).toEqual(plan);
    expect(planFaults({ ...options, faults: 4, seed: 2 })).not.toEqual(plan);
    plan.forEach(({ at, duration }, index) => {
      expect(at + duration + 120_000).toBeLessThanOrEqual(plan[index + 1]?.at ?? options.duration);
    });
  });

  it('uses every type and service before it repeats one, with valid arguments', () => {
    const plan = planFaults({ ...options, faults: 14 });
    expect(new Set(plan.slice(0, 7).map(({ type }) => type))).toEqual(new Set(DEFAULT_FAULT_TYPES));
    expect(new Set(plan.slice(7).map(({ type }) => type))).toEqual(new Set(DEFAULT_FAULT_TYPES));
    expect(new Set(plan.slice(0, 3).map(({ service }) => service)).size).toBe(3);
    plan.forEach((fault, index) => {
      expect(parseFault(fault.type, fault.args)).toEqual({ type: fault.type, args: fault.args });
      expect(fault.service).not.toBe(plan[index + 1]?.service);
    });
  });

  it('draws the named types, with valid arguments', () => {
    const plan = planFaults({ ...options, types: FAULT_TYPES });
    expect(plan.length).toBe(FAULT_TYPES.length);
    expect(new Set(plan.map(({ type }) => type))).toEqual(new Set(FAULT_TYPES));
    for (const { type, args } of plan) expect(parseFault(type, args)).toEqual({ type, args });
  });

  it('plans the same faults for a seed as earlier versions', () => {
    expect(planFaults({ ...options, faults: 2 })).toEqual([
      { at: 1_200_873, duration: 60_000, service: 'db', type: 'pause', args: {} },
      { at: 3_412_390, duration: 60_000, service: 'web', type: 'latency', args: { delay: 230, jitter: 34 } },
    ]);
  });

  it('plans none for 0 and rejects faults that do not fit', () => {
    expect(planFaults({ ...options, faults: 0 })).toEqual([]);
    expect(planFaults({ ...options, duration: 60_000, warmup: 0 })).toEqual([]);
    expect(() => planFaults({ ...options, faults: 19 })).toThrow(
      '19 faults need at least 3720 s, but the duration is 3600 s',
    );
    expect(() => planFaults({ ...options, services: [] })).toThrow('nothing to choose from');
  });
});
