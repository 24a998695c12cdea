import { expect, test } from 'vitest';
import { figuresOf } from '../../../bench/recorded/figures.ts';
import { judge } from '../../../bench/recorded/outcomes.ts';
import { renderResults } from '../../../bench/recorded/table.ts';
import { DEBOUNCE } from '../../../scorer/backtest/alerts.ts';
import { faultSpans } from '../../../scorer/backtest/detection.ts';
import type { Replay } from '../../../scorer/backtest/replay.ts';

const MINUTE = 60_000;
const TIMING = { intervalMs: MINUTE, debounce: DEBOUNCE, timeScale: 1 };
const [CART, DB] = ['["n","cart"]', '["n","db"]'];

/** A replay of sixty minutes, with the minutes above 1 of each service. */
function replayed(above: Readonly<Record<string, readonly number[]>>, rankings: Replay['rankings']): Replay {
  const steps = Array.from({ length: 60 }, (_, step) => step);
  const scores = Object.entries(above).map(([key, at]) => {
    return [key, Float64Array.from(steps, (step) => (at.includes(step) ? 2 : 0))] as const;
  });
  return { steps, scores: new Map(scores), rankings };
}

const fault = (minute: number, key: string, type: string) => ({
  startMs: minute * MINUTE,
  endMs: (minute + 3) * MINUTE,
  key,
  type,
});
const faults = faultSpans([fault(10, DB, 'slow'), fault(30, CART, 'dead')], MINUTE, 2 * MINUTE);

test('a fault is seen by any alert, by its own, and ranked at three times', () => {
  const rankings = new Map([
    [12, [DB]],
    [13, [CART, DB]],
    [14, [DB, CART]],
    [33, [DB, CART]],
  ]);
  const judged = judge(replayed({ [CART]: [11, 12, 50, 51], [DB]: [40] }, rankings), faults, TIMING);
  expect(judged.falseAlarms).toBe(1);
  expect(judged.outcomes).toEqual([
    { type: 'slow', seen: true, seenAtCulprit: false, delaySeconds: 120, places: { start: 2, late: 1, alert: 1 } },
    {
      type: 'dead',
      seen: false,
      seenAtCulprit: false,
      delaySeconds: NaN,
      places: { start: 2, late: Infinity, alert: Infinity },
    },
  ]);
});

test('days and delays of a recording in demo time are those of real time', () => {
  const replay = replayed({ [CART]: [11, 12] }, new Map());
  const [real, demo] = [1, 12].map((timeScale) => judge(replay, faults, { ...TIMING, timeScale }));
  expect(demo?.serviceDays).toBeCloseTo(12 * (real?.serviceDays ?? NaN), 9);
  expect(demo?.outcomes[0]?.delaySeconds).toBe(12 * 120);
});

test('figures are means over seeds of each fault, with intervals over faults', () => {
  const rankings = new Map([
    [13, [DB]],
    [33, [DB, CART]],
  ]);
  const seen = judge(replayed({ [DB]: [11, 12] }, rankings), faults, TIMING);
  const missed = judge(replayed({ [DB]: [50, 51] }, rankings), faults, TIMING);
  const figures = figuresOf([seen, missed]);
  expect(figures.recall).toMatchObject({ mean: 0.25, low: 0, high: 0.5 });
  expect(figures.cause.start.at_1).toMatchObject({ mean: 0.5, low: 0, high: 1 });
  expect(figures.cause.start.at_3.mean).toBe(1);
  expect(figures.false_alarms).toEqual([0, 1]);
  expect(figures.by_type['slow']).toMatchObject({ faults: 1, recall: { mean: 0.5 } });
  const row = { recording: 'shop', method: 'm', title: 'a method', seeds: [1, 2], ...figures };
  expect(renderResults([{ ...row, detects: true }])).toContain('| 0.25 (0.00-0.50) |');
  expect(renderResults([{ ...row, detects: false }])).not.toContain('0.25');
});
