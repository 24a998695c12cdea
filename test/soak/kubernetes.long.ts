import { expect, test } from 'vitest';
import { standardOutput } from '../../daemon/streams/line-output.ts';
import { LONG_RUN } from '../long-run/settings.ts';
import { churnPods } from './churning-pods.ts';
import { median } from './measurements.ts';
import { isRising, trendOf } from './trend.ts';

const { minutes = 15 } = LONG_RUN;
const [PODS, PER_SECOND] = [2000, 50];
/** Scrapes for one point of the trend, and the points that make one. */
const SCRAPES = 3;
const LEAST_POINTS = 10;
/** The heap has grown to what so many series need by then. */
const SETTLED_MS = 120_000;
const MEMORY_RISE = 0.05;

test(`${minutes} minutes of ${PODS} pods of which ${PER_SECOND} a second come, change and go`, async () => {
  const options = { pods: PODS, perSecond: PER_SECOND, seconds: minutes * 60, untilGone: true };
  const { scrapes, ...counts } = await churnPods(options);
  const settled = scrapes.filter(({ atMs }) => atMs > SETTLED_MS).map(({ residentMb }) => residentMb);
  const points = Array.from({ length: Math.floor(settled.length / SCRAPES) }, (_, at) =>
    median(settled.slice(at * SCRAPES, (at + 1) * SCRAPES)),
  );
  const mostSeries = Math.max(...scrapes.map(({ series }) => series));
  const mostMb = Math.max(...scrapes.map(({ residentMb }) => residentMb));
  const figures = { ...counts, scrapes: scrapes.length, mostSeries, mostMb, points: points.length };
  standardOutput.write(`${JSON.stringify(figures)}\n`);
  if (points.length < LEAST_POINTS) {
    standardOutput.write('too short a run for a trend\n');
    return;
  }
  standardOutput.write(`${JSON.stringify({ median: median(points), ...trendOf(points) })}\n`);
  expect(isRising(points, MEMORY_RISE * median(points))).toBe(false);
});
