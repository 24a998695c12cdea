import { describe, expect, it, test } from 'vitest';
import { renderScores, scoreSamples, SeriesLedger } from './samples.ts';
import { serviceKey } from '../identity/service-key.ts';
import { edge } from '../scoring/ranking/edge.testdata.ts';
import type { FleetScores } from '../scoring/score-fleet.ts';

const TIMES = { timestampMs: 1000, intervalMs: 1000 };
const cart = serviceKey({ namespace: 'shop', service: 'cart' });
const result = (score: number): FleetScores => ({
  scores: [
    {
      key: cart,
      score,
      untolerated: score,
      shares: [{ feature: 'cpu_cores', share: 0.8, usual: { low: 0.1, high: 0.3 } }],
      shifts: [],
    },
  ],
  causes: score > 1 ? [{ key: cart, bits: 3, blame: 1, rank: 1 }] : [],
  states: new Map(),
  missing: 0,
  encodeMs: 0,
  inferenceMs: 0,
  rankMs: 0,
});
const names = (score: number) => scoreSamples(result(score), TIMES).map(({ name }) => name);

const EXPLANATION = ['anomaly_feature_share', 'anomaly_feature_usual', 'anomaly_feature_usual'];

describe('scoreSamples', () => {
  it('tells the score without tolerance while it is higher, and what has changed for good', () => {
    const [cartScore] = result(0.3).scores;
    const scores = [{ ...cartScore!, untolerated: 4, shifts: [{ feature: 'memory_bytes', by: 1.5 }] }];
    const samples = scoreSamples({ ...result(0.3), scores }, TIMES);
    expect(samples.map(({ name, value }) => [name, value])).toEqual([
      ['anomaly_score', 0.3],
      ['anomaly_score_untolerated', 4],
      ['anomaly_level_shift', 1.5],
    ]);
    expect(samples[2]?.labels).toEqual({ namespace: 'shop', service: 'cart', feature: 'memory_bytes' });
  });

  it('explains from half the threshold on, and names causes during an incident only', () => {
    expect(names(0.4)).toEqual(['anomaly_score']);
    expect(names(0.6)).toEqual(['anomaly_score', ...EXPLANATION]);
    expect(names(1.2)).toEqual([
      'anomaly_score',
      ...EXPLANATION,
      'anomaly_root_cause_score',
      'anomaly_root_cause_rank',
    ]);
  });
});

test('the way of the trouble is told with the ends of the calls and their further labels', () => {
  const key = (service: string) => serviceKey({ namespace: 'shop', service, cluster: 'a' });
  const edges = [edge(key('cart'), key('db'), { latency: 4 * 2.576 }), edge(key('front'), key('cart'))];
  const causes = [{ key: key('db'), bits: 3, blame: 1, rank: 1 }];
  const samples = scoreSamples({ ...result(0.2), scores: [], causes, edges }, TIMES);
  expect(samples.filter(({ name }) => name === 'anomaly_propagation_edge')).toEqual([
    {
      name: 'anomaly_propagation_edge',
      labels: {
        cluster: 'a',
        client_namespace: 'shop',
        client_service: 'cart',
        server_namespace: 'shop',
        server_service: 'db',
      },
      value: expect.closeTo(2, 9) as number,
      timestampMs: 1000,
    },
  ]);
});

test('a gone service has a score and the time since when it is gone', () => {
  const gone = [{ key: cart, score: 3.5, since: 40, bits: 9 }];
  const samples = scoreSamples({ ...result(0.2), scores: [], gone }, { timestampMs: 60_000, intervalMs: 500 });
  const labels = { namespace: 'shop', service: 'cart', detector: 'gone' };
  expect(samples).toEqual([
    { name: 'anomaly_score', labels, value: 3.5, timestampMs: 60_000 },
    { name: 'anomaly_interval_start_timestamp_seconds', labels, value: 20, timestampMs: 60_000 },
  ]);
});

test('what is usual has a low and a high bound', () => {
  const usual = scoreSamples(result(0.6), TIMES).filter(({ name }) => name === 'anomaly_feature_usual');
  expect(usual.map(({ labels, value }) => [labels['feature'], labels['bound'], value])).toEqual([
    ['cpu_cores', 'low', 0.1],
    ['cpu_cores', 'high', 0.3],
  ]);
});

describe('SeriesLedger', () => {
  it('ends once, at the cycle in which it is missing, what was written before', () => {
    const ledger = new SeriesLedger();
    const [score, share] = scoreSamples(result(0.6), TIMES);
    ledger.withStaleMarkers([score!, share!], 1000);
    const next = ledger.withStaleMarkers([{ ...score!, timestampMs: 2000 }], 2000);
    expect(next).toEqual([
      { ...score, timestampMs: 2000 },
      { ...share, timestampMs: 2000, stale: true },
    ]);
    expect(ledger.withStaleMarkers([{ ...score!, timestampMs: 3000 }], 3000)).toHaveLength(1);
  });
});

describe('renderScores', () => {
  it('writes families with escaped labels and leaves out the ended', () => {
    const odd = { name: 'anomaly_score', labels: { service: 'a"b\\c\nd' }, value: 0.5, timestampMs: 1 };
    expect(renderScores([odd, { ...odd, stale: true }])).toBe(
      '# HELP anomaly_score Anomaly score of a service: 0 is as expected, 1 is the learned threshold, above 1 is anomalous.\n' +
        '# TYPE anomaly_score gauge\nanomaly_score{service="a\\"b\\\\c\\nd"} 0.5\n',
    );
    expect(renderScores([])).toBe('');
  });
});
