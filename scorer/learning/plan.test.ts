import { beforeEach, describe, expect, it } from 'vitest';
import { type ScorerConfig, SCORER_DEFAULTS } from '../config.ts';
import { History } from '../fleet/history.ts';
import { LearningPlan, type LearningSituation } from './plan.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';
import type { ServiceState } from '../scoring/score-fleet.ts';

const MINUTE = 60_000;
const config = { interval: MINUTE, learning: SCORER_DEFAULTS.learning } as unknown as ScorerConfig;

function profile(from: number, to: number) {
  return { scalings: [], residual: [], deviation: [], threshold: 1, windows: to - from + 1, from, to };
}

describe('LearningPlan', () => {
  const states = new Map<string, ServiceState>();
  const services = new Map<string, History>();
  const profiles = new Map<string, ReturnType<typeof profile>>();
  const at = (step: number): LearningSituation => ({
    step,
    states,
    services,
    knowledge: { model: undefined, profiles: { services: profiles } as unknown as Profiles },
  });
  const add = (key: string, since: number) => {
    const history = new History(1, 10);
    history.put(since, 0, 1);
    services.set(key, history);
    states.set(key, 'learning');
  };
  let plan: LearningPlan;
  beforeEach(() => {
    for (const map of [states, services, profiles]) map.clear();
    plan = new LearningPlan(config);
  });

  it('waits until a service has been there for the least time, and says how long the last one has to', () => {
    add('a', 100);
    add('b', 103);
    expect(plan.waiting(at(105))).toEqual({ keys: ['a', 'b'], ready: [], secondsLeft: 12 * 60 });
    expect(plan.isTime(at(113))).toBe(false);
    expect(plan.isTime(at(114))).toBe(true);
    expect(plan.waiting(at(114))).toEqual({ keys: ['a', 'b'], ready: ['a'], secondsLeft: 3 * 60 });
    expect(plan.waiting(at(120)).secondsLeft).toBe(0);
  });

  it('lets a service of which a learning made nothing wait, but no other one', () => {
    add('a', 0);
    plan.succeeded(at(20));
    expect(plan.isTime(at(21))).toBe(false);
    add('b', 7);
    expect(plan.isTime(at(21))).toBe(true);
    states.delete('b');
    expect(plan.isTime(at(35))).toBe(true);
  });

  it('renews what is due, though not more often than the least time of learning', () => {
    add('a', 0);
    states.set('a', 'scored');
    profiles.set('a', profile(0, 14));
    expect(plan.isTime(at(28))).toBe(false);
    expect(plan.isTime(at(29))).toBe(true);
    plan.succeeded(at(25));
    expect(plan.isTime(at(39))).toBe(false);
    expect(plan.isTime(at(40))).toBe(true);
    states.set('a', 'no_data');
    expect(plan.isTime(at(40))).toBe(false);
  });

  it('tries a learning that fails again ever less often', () => {
    add('a', 0);
    const tries: number[] = [];
    for (let step = 20; step < 80; step++) {
      if (!plan.isTime(at(step))) continue;
      tries.push(step);
      plan.failed(at(step));
    }
    expect(tries).toEqual([20, 22, 26, 34, 49, 64, 79]);
  });
});
