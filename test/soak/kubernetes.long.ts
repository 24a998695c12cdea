import { expect, test } from 'vitest';
import { standardOutput } from '../../daemon/streams/line-output.ts';
import { LONG_RUN } from '../long-run/settings.ts';
import { churnPods } from './churning-pods.ts';
import { median } from './measurements.ts';
import { isRising, trendOf } from './trend.ts';

const { minutes = 15 } = LONG_RUN;
const [PODS, PER_SECOND] = [2000, 50];
/** Scrapes for one point of the trend. */
const SCRAPES = 10;
const MEMORY_RISE = 0.05;

test(`${minutes} minutes of ${PODS} pods of which ${PER_SECOND} a second come, change and go`, async () => {
  const { residentMb, series, ...counts } = await churnPods({
    pods: PODS,
    perSecond: PER_SECOND,
    seconds: minutes * 60,
    untilGone: true,
  });
  // The series of pods that have gone stay for a while: as many as ever are there after two minutes.
  const settled = residentMb.slice(120);
  const points = Array.from({ length: Math.floor(settled.length / SCRAPES) }, (_, at) =>
    median(settled.slice(at * SCRAPES, (at + 1) * SCRAPES)),
  );
  const { slope, chance } = trendOf(points);
  const figures = {
    ...counts,
    mostSeries: Math.max(...series),
    mostMb: Math.max(...residentMb),
    median: median(points),
  };
  standardOutput.write(`${JSON.stringify({ ...figures, points: points.length, slope, chance })}\n`);
  expect(isRising(points, MEMORY_RISE * median(points))).toBe(false);
});
