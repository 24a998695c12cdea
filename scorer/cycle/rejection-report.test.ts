import { expect, test } from 'vitest';
import { createLogger } from '../../daemon/logger.ts';
import { RejectedSeries } from '../fleet/rejected-series.ts';
import { ScorerMetrics } from '../metrics.ts';
import { RejectionReport } from './rejection-report.ts';

test('says what is rejected when it begins and ends, and counts it in between', async () => {
  const lines: string[] = [];
  const rejected = new RejectedSeries();
  const metrics = new ScorerMetrics();
  const logger = createLogger({ write: (line) => void lines.push(line.replace(/^ts=\S+ /, '')) });
  const report = new RejectionReport(rejected, metrics, logger);
  const count = async (reason: string) =>
    (await metrics.seriesRejected.get()).values.find(({ labels }) => labels['reason'] === reason)?.value;
  report.report();
  expect(await count('duplicate')).toBe(0);
  for (const cluster of ['a', 'b']) {
    rejected.add('duplicate', { service: 'cart', cluster });
    rejected.add('duplicate', { service: 'db', cluster });
    report.report();
  }
  expect(await count('duplicate')).toBe(4);
  report.report();
  report.report();
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(
    /^level=warn msg="series are rejected" reason=duplicate series=2 example="service=\\"cart\\",cluster=\\"a\\"" error=".*identity.labels/,
  );
  expect(lines[1]).toBe('level=info msg="no more series are rejected" reason=duplicate');
  expect(await count('no_identity')).toBe(0);
});

test('says that series lack a label of the identity, and does not count them as rejected', async () => {
  const lines: string[] = [];
  const rejected = new RejectedSeries();
  const metrics = new ScorerMetrics();
  const report = new RejectionReport(rejected, metrics, createLogger({ write: (line) => void lines.push(line) }));
  for (let cycle = 0; cycle < 2; cycle++) {
    rejected.addPartial({ namespace: 'shop', service: 'cart' });
    report.report();
  }
  report.report();
  expect(lines.map((line) => /msg="([^"]+)"/.exec(line)?.[1])).toEqual([
    'series lack a label of identity.labels',
    'all series have identity.labels',
  ]);
  for (const { value } of (await metrics.seriesRejected.get()).values) expect(value).toBe(0);
});
