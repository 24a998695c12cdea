import { describe, expect, it } from 'vitest';
import { serviceKey } from '../identity/service-key.ts';
import { alarmsOf } from './alarms.ts';
import { faultSpans } from './detection.ts';
import type { Replay } from './replay.ts';

const MINUTE = 60_000;
const FIRST = 100;
const cart = serviceKey({ namespace: 'shop', service: 'cart' });
const catalog = serviceKey({ namespace: 'shop', service: 'catalog' });

/** A replay of a day, with scores of some minutes since its start, and `feature` as their leading signal. */
function replay(scores: Readonly<Record<string, Readonly<Record<number, number>>>>, feature = 'cpu_cores'): Replay {
  const steps = Array.from({ length: 1440 }, (_, index) => FIRST + index);
  const entries = Object.entries(scores);
  return {
    steps,
    scores: new Map(entries.map(([key, of]) => [key, Float64Array.from(steps, (_, index) => of[index] ?? 0.5)])),
    signals: new Map(
      entries.map(([key, of]) => [key, new Map(Object.keys(of).map((at) => [FIRST + Number(at), feature]))]),
    ),
    rankings: new Map(),
  };
}

describe('alarmsOf', () => {
  it('counts alarms per service-day, by severity, service and leading signal', () => {
    const noisy = replay({
      [cart]: { 10: 2, 11: 2, 12: 2, 50: 4, 51: 4, 200: 9 },
      [catalog]: { 70: 1.5, 71: 1.2 },
    });
    const alarms = alarmsOf(noisy, { faults: [], intervalMs: MINUTE });
    expect(alarms).toMatchObject({ warning_per_service_day: 1.5, severe_per_service_day: 0.5, service_days: 2 });
    expect(alarms.services).toEqual([
      { namespace: 'shop', service: 'cart', warning: 2, severe: 1, minutes: 3, signals: ['cpu_cores'] },
      { namespace: 'shop', service: 'catalog', warning: 1, severe: 0, minutes: 1, signals: ['cpu_cores'] },
    ]);
    expect(alarms.signals).toEqual([{ feature: 'cpu_cores', warning: 3, severe: 1, minutes: 4 }]);
  });

  it('leaves out alarms during faults and maintenance', () => {
    const noisy = replay({ [cart]: { 10: 2, 11: 2, 50: 4, 51: 4 }, [catalog]: {} });
    const at = (minute: number) => (FIRST + minute) * MINUTE;
    const faults = faultSpans([{ startMs: at(49), endMs: at(52), key: catalog, type: 'slow' }], MINUTE, 0);
    const during = alarmsOf(noisy, { faults, intervalMs: MINUTE });
    expect([during.services[0]?.warning, during.services[0]?.severe]).toEqual([1, 0]);
    const silenced = (key: string) => (key === cart ? [FIRST + 11] : []);
    const quiet = alarmsOf(noisy, { faults: [], intervalMs: MINUTE, silenced });
    expect(quiet.services.map(({ warning, severe }) => [warning, severe])).toEqual([[1, 1]]);
  });

  it('has nothing to report of a quiet day, and no rate without scores', () => {
    const quiet = alarmsOf(replay({ [cart]: {} }), { faults: [], intervalMs: MINUTE });
    expect(quiet).toEqual({
      warning_per_service_day: 0,
      severe_per_service_day: 0,
      service_days: 1,
      services: [],
      signals: [],
    });
    expect(alarmsOf(replay({}), { faults: [], intervalMs: MINUTE }).warning_per_service_day).toBeNaN();
  });
});
