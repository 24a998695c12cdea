import { describe, expect, it } from 'vitest';
import { faultTruth, judgeFaults, judgeNormal, type JudgedEndpoint } from './judgement.ts';
import type { RecordedFault } from './recording.ts';

const fault: RecordedFault = {
  scenario: 'latency',
  service: 'cart',
  type: 'latency',
  args: {},
  durationMs: 10_000,
  fromMs: 20_400,
  toMs: 30_900,
};
const truth = faultTruth(
  fault,
  new Map([
    ['cart /a', 1],
    ['front /a', 0.2],
  ]),
  1000,
  5000,
);

function endpoint(name: string, atOnce: readonly number[], reported: readonly number[] = atOnce): JudgedEndpoint {
  const steps = Array.from({ length: 60 }, (_, step) => step);
  return { endpoint: name, steps, atOnce: new Set(atOnce), reported: new Set(reported) };
}

describe('faultTruth', () => {
  it('counts steps that are in the fault completely', () => {
    expect(truth).toMatchObject({ from: 22, to: 30, recovered: 36 });
  });
});

describe('judgeFaults', () => {
  it('counts the events of affected endpoints, found at once or in a reported interval', () => {
    const found = [endpoint('cart /a', [25, 26, 40], [22, 23, 24, 25, 26]), endpoint('other /b', [25])];
    expect(judgeFaults(found, [truth])[0]).toMatchObject({ events: 9, atOnce: 2, reported: 5, alarmed: true });
  });

  it('takes two steps in a row for an alarm', () => {
    expect(judgeFaults([endpoint('cart /a', [25, 27, 29])], [truth])[0]).toMatchObject({ atOnce: 3, alarmed: false });
  });
});

describe('judgeNormal', () => {
  it('leaves out the faults of an endpoint with their recovery, and counts the others throughout', () => {
    const found = [endpoint('cart /a', [10, 11, 12, 25, 26, 36]), endpoint('front /a', []), endpoint('other /b', [25])];
    // Of 60 steps, 21 to 36 belong to the fault.
    expect(judgeNormal(found, [truth], { from: 0, to: 59 })).toEqual({
      events: 2 * 44 + 60,
      atOnce: 4,
      reported: 4,
      alarms: 1,
    });
  });
});
