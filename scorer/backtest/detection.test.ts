import { describe, expect, it } from 'vitest';
import type { Alert } from './alerts.ts';
import { serviceKey } from '../identity/service-key.ts';
import { hitsOf } from './ranking.ts';
import { detectionFigures, detections, faultFreeServiceDays, faultSpans } from './detection.ts';

const MINUTE = 60_000;
const fault = (start: number, end: number) => ({ startMs: start * MINUTE, endMs: end * MINUTE, key: 'a', type: 't' });
const alert = (onset: number, last: number): Alert => ({ key: 'b', onset, firing: onset + 1, last });

describe('faultSpans', () => {
  it('begins with the first step that may show it and ends with the grace', () => {
    expect(faultSpans([fault(10.4, 13)], MINUTE, 2 * MINUTE)[0]).toMatchObject({ first: 11, last: 15 });
  });
});

describe('detections', () => {
  const faults = faultSpans([fault(10, 13), fault(18, 20)], MINUTE, 7 * MINUTE);
  const detectedBy = (alerts: readonly Alert[]) => detections(faults, alerts).map(({ alert: found }) => found?.onset);

  it.each([
    ['one alert for each', [alert(11, 13), alert(19, 20)], [11, 19]],
    ['the first of several', [alert(12, 14), alert(14, 16)], [12, undefined]],
    ['not one that was on before', [alert(9, 30)], [undefined, undefined]],
    ["not one in the next fault's time", [alert(17, 18)], [undefined, undefined]],
    ['not one after the grace', [alert(28, 30)], [undefined, undefined]],
  ])('takes %s', (_, alerts, expected) => {
    expect(detectedBy(alerts)).toEqual(expected);
  });

  it('counts recall, rightful alerts, false alarms and delays', () => {
    const alerts = [alert(11, 13), alert(12, 12 + 1), alert(40, 42), alert(50, 51)];
    expect(detectionFigures(detections(faults, alerts), alerts, MINUTE)).toEqual({
      recall: 0.5,
      eventPrecision: 0.5,
      falseAlarms: 2,
      delaySeconds: { p50: 120, p90: 120 },
    });
  });
});

describe('two clusters', () => {
  const of = (cluster: string) => serviceKey({ namespace: 'shop', service: 'cart', cluster });
  const faults = faultSpans(
    [
      { ...fault(10, 20), key: of('a') },
      { ...fault(12, 20), key: of('b') },
    ],
    MINUTE,
    0,
  );

  it('detects a fault by an alert of its own cluster only, also while the other has a fault', () => {
    const alerts = [
      { ...alert(12, 15), key: of('b') },
      { ...alert(16, 18), key: of('a') },
      { ...alert(17, 18), key: of('c') },
    ];
    const found = detections(faults, alerts);
    expect(found.map(({ alert: one }) => one?.onset)).toEqual([16, 12]);
    expect(detectionFigures(found, alerts, MINUTE).falseAlarms).toBe(1);
  });

  it('ranks a fault among the services of its own cluster', () => {
    const ranking = [of('b'), of('a')];
    expect(hitsOf([{ key: of('a'), ranking }]).at_1).toBe(1);
  });
});

describe('faultFreeServiceDays', () => {
  it('sums scored steps outside of faults over the services', () => {
    const steps = Array.from({ length: 40 }, (_, index) => index);
    const scores = new Map([
      ['a', new Float64Array(40)],
      ['b', new Float64Array(40).fill(NaN, 30)],
    ]);
    // Steps 10 to 15 belong to the fault: 34 and 24 are left.
    const faults = faultSpans([fault(10, 13)], MINUTE, 2 * MINUTE);
    expect(faultFreeServiceDays(steps, scores, faults, MINUTE)).toBeCloseTo(58 / 1440, 12);
  });
});
