import { describe, expect, it } from 'vitest';
import { parseFault } from '../../microsim/protocol/fault.ts';
import { planScenarios, SCENARIOS } from './scenarios.ts';

describe('planScenarios', () => {
  it('has each intensity for each duration, with arguments that the simulation accepts', () => {
    const faults = planScenarios('full', 1, 0);
    expect(faults).toHaveLength(1 + 9 + 9 + 9 + 3);
    expect(new Set(faults.map(({ scenario }) => scenario))).toEqual(new Set(Object.keys(SCENARIOS)));
    for (const { type, args } of faults) expect(parseFault(type, args)).toMatchObject({ type });
    const minutes = faults.reduce((sum, { durationMs }) => sum + durationMs, 0) / 60_000;
    expect(minutes).toBeCloseTo(0.25 + 3 * 11.5 + 3 * 16 + 3 * 16 + 16);
  });

  it('has each intensity and each duration once as a Latin square', () => {
    const loss = planScenarios('latin', 1, 0).filter(({ type }) => type === 'packet_loss');
    expect(loss.map(({ args, durationMs }) => [args['share'], durationMs])).toEqual([
      [0.1, 600_000],
      [0.2, 60_000],
      [0.3, 300_000],
    ]);
    expect(loss.map(({ args }) => args['callee'])).toContain('cart');
    expect(planScenarios('latin', 1, 0)).toHaveLength(13);
  });

  it('shortens durations down to a minimum', () => {
    const seconds = planScenarios('full', 0.05, 10_000).map(({ durationMs }) => durationMs / 1000);
    expect([Math.min(...seconds), Math.max(...seconds)]).toEqual([10, 30]);
  });

  it('takes turns, so that no service is faulty twice in a row within a scenario', () => {
    const services = planScenarios('latin', 1, 0).filter(({ type }) => type === 'latency');
    for (const [index, { service }] of services.slice(1).entries()) expect(service).not.toBe(services[index]!.service);
  });
});
