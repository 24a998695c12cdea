import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { renderAccount } from '../../bench/sim/account.ts';
import { historyOf, loadFaultSeries, writeFaultSeries } from '../../bench/sim/fault-series.ts';
import { inLifeTime } from '../../bench/sim/life-time.ts';
import { planLoad } from '../../bench/sim/load-plan.ts';
import { pressureBetween } from '../../bench/sim/pressure.ts';
import { readRecording, writeRecording } from '../../bench/sim/recording.ts';
import { resultRows } from '../../bench/sim/rows.ts';
import { alarmsOf } from '../../scorer/backtest/alarms.ts';
import type { BacktestResult } from '../../scorer/backtest/backtest.ts';
import { faultSpans } from '../../scorer/backtest/detection.ts';
import { evaluate } from '../../scorer/backtest/figures.ts';
import type { Feature } from '../../scorer/features/features.ts';
import { serviceKey } from '../../scorer/identity/service-key.ts';

const MINUTE = 60_000;
const SECOND = 1000;
const INTERVAL = 5 * SECOND;
const folder = mkdtempSync(join(tmpdir(), 'bench-sim-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('planLoad', () => {
  const plan = planLoad(40 * MINUTE, 5);

  it('is the same for the same seed and differs for another one', () => {
    expect(planLoad(40 * MINUTE, 5)).toEqual(plan);
    expect(planLoad(40 * MINUTE, 6)).not.toEqual(plan);
  });

  it('starts immediately, changes often and spans a wide range', () => {
    const levels = plan.map(({ change }) => change.level ?? NaN);
    expect(plan[0]?.at).toBe(0);
    expect(plan.length).toBeGreaterThan(10);
    expect(plan.every(({ at }) => at < 40 * MINUTE)).toBe(true);
    expect(Math.max(...levels) / Math.min(...levels)).toBeGreaterThan(1.5);
  });
});

const [cart, db] = [
  serviceKey({ namespace: 'shop', service: 'cart' }),
  serviceKey({ namespace: 'shop', service: 'db' }),
];
const STEPS = Array.from({ length: 200 }, (_, index) => 1000 + index);

/** Two services for 200 steps: a detected fault of db from step 1050, and a false alarm of cart at 1150. */
function result(): BacktestResult {
  const scored = (from: number, to: number) =>
    Float64Array.from(STEPS, (step) => (step >= from && step < to ? 2 : 0.2));
  const replay = {
    steps: STEPS,
    scores: new Map([
      [cart, scored(1150, 1153)],
      [db, scored(1051, 1060)],
    ]),
    rankings: new Map(STEPS.map((step) => [step, [db, cart]])),
  };
  const faults = faultSpans(
    [{ startMs: 1050 * INTERVAL, endMs: 1058 * INTERVAL, key: db, type: 'cpu' }],
    INTERVAL,
    10 * INTERVAL,
  );
  const evaluation = evaluate(replay, faults, INTERVAL);
  const window = { fromMs: 1000 * INTERVAL, toMs: 1200 * INTERVAL };
  return {
    window,
    training: window,
    intervalMs: INTERVAL,
    alert: { cycles: 2, firingDelayMs: 4000 },
    services: 2,
    faults,
    replay,
    evaluation,
    alarms: alarmsOf(replay, { faults, intervalMs: INTERVAL }),
    detectors: {},
    baselines: ['PCA reconstruction', 'random'].map((title) => ({ name: title, title, evaluation })),
  };
}

describe('inLifeTime', () => {
  it('converts days and delays as if a cycle were a minute, and keeps the rest', () => {
    const demo = result();
    const { figures, serviceDays } = inLifeTime(demo).evaluation;
    // 200 steps without the 19 of the fault, for two services, with one false alarm.
    expect(serviceDays).toBeCloseTo((2 * (200 - 19)) / 1440, 9);
    expect(figures.false_alarms_per_service_day).toBeCloseTo(1440 / (2 * (200 - 19)), 9);
    expect(figures.delay_seconds).toEqual({ p50: 120, p90: 120 });
    expect(inLifeTime(demo).alert).toEqual({ cycles: 2, firingDelayMs: 48_000 });
    expect(figures.recall).toBe(1);
    expect(figures.root_cause).toBe(demo.evaluation.figures.root_cause);
  });

  it('returns a row of results for each detector', () => {
    const subject = { seed: 3, runtime: 'python' as const, from: 'a', to: 'b', model: 'shipped' };
    const rows = resultRows(inLifeTime(result()), subject);
    expect(rows.map(({ detector }) => detector)).toEqual(['autoencoder', 'PCA reconstruction', 'random']);
    expect(rows[0]).toMatchObject({ ...subject, faults: 1, recall: 1, by_type: { cpu: { faults: 1, recall: 1 } } });
  });
});

describe('renderAccount', () => {
  it('has a line for each fault, and for each false alarm with load and pressure at its time', () => {
    const load = [
      { time: new Date(1010 * INTERVAL).toISOString(), level: 11 },
      { time: new Date(1146 * INTERVAL).toISOString(), level: 25 },
    ];
    const pressure = STEPS.map((step) => ({ timeMs: step * INTERVAL, share: step >= 1140 && step < 1160 ? 0.9 : 0.1 }));
    expect(renderAccount(result(), { load, pressure })).toBe(
      'cpu on db: seen after 2.0 cycles at db, ranked 1\n' +
        'false alarm on cart for 3 cycles, 4 after a change to 25 visits a second; ' +
        'programs waited for a processor 90 % of the time, usually 10 %\n',
    );
  });
});

describe('pressureBetween', () => {
  it('is the median over the time, and NaN without records', () => {
    const samples = [1, 2, 3, 4].map((time) => ({ timeMs: time, share: time / 10 }));
    expect(pressureBetween(samples, 1, 4)).toBeCloseTo(0.3, 9);
    expect(pressureBetween([], 1, 4)).toBeNaN();
  });
});

describe('a recording', () => {
  it('is read as written, and reported if missing', () => {
    const time = '2026-01-01T00:00:00.000Z';
    const recording = { seed: 1, runtime: 'python' as const, from: time, faultsFrom: time, to: time };
    expect(() => readRecording(folder)).toThrow(`${folder}: no recording, or an interrupted one`);
    writeRecording(folder, recording);
    expect(readRecording(folder)).toEqual(recording);
    writeFileSync(join(folder, 'recording.json'), '{"seed":"x"}');
    expect(() => readRecording(folder)).toThrow('recording.json');
  });
});

describe('fault series', () => {
  it('restore the history, for any set of features', () => {
    const path = join(folder, 'series.json.gz');
    const columns = ['red/a', 'green/a', 'blue/a'];
    const series = {
      service: cart,
      type: 'cpu',
      learned: [[10, [1, 2, 3]]] as const,
      broken: [[14, [4, null, 6]]] as const,
    };
    writeFaultSeries(path, { intervalMs: INTERVAL, columns, faults: [series] });
    const { faults } = loadFaultSeries(path);
    const features = ['b', 'a'].map((name): Feature => ({
      name,
      expr: '',
      scale: 'log',
      signal: 'traffic',
      unit: 'none',
      floor: 1,
    }));
    const history = historyOf(faults[0]!, columns, features);
    const row = (step: number) => Array.from({ length: 6 }, (_, column) => history.get(step, column));
    expect(row(10)).toEqual([NaN, 1, NaN, 2, NaN, 3]);
    expect(row(14)).toEqual([NaN, 4, NaN, NaN, NaN, 6]);
    expect(history.newest).toBe(14);
  });
});
