import { expect, it } from 'vitest';
import { readFeatures } from '../../features/features.ts';
import { metricNames } from './metric-names.ts';

it.each([
  ['sum by (namespace, service) (rate(a_total{role="server"}[$window]))', ['a_total']],
  ['sum(rate(a_total[5m])) by (namespace)', ['a_total']],
  ['rate(a_sum[1m]) / (rate(a_count[1m]) > 0)', ['a_sum', 'a_count']],
  ['label_replace(x, "dst", "$1", "src", "(.*)") and on (a, b) y{z="w"}', ['x', 'y']],
  ['histogram_quantile(0.9, sum by (le) (rate(b_bucket[1m]))) or vector(0)', ['b_bucket']],
  ['a * on (node) group_left (x, y) b', ['a', 'b']],
  ['job:a:rate5m offset 5m unless bool_metric == bool 1', ['job:a:rate5m', 'bool_metric']],
  ['a > 1e3 and b < Inf', ['a', 'b']],
  ['up{job="x"} # not_this\n + down', ['up', 'down']],
  ['a and a', ['a']],
])('%s reads %j', (expr, names) => expect(metricNames(expr)).toEqual(names));

it('finds only metrics of the exporter in the features of services', () => {
  const names = readFeatures('rules/features.yaml').features.flatMap(({ expr }) => metricNames(expr));
  expect(new Set(names).size).toBeGreaterThan(10);
  for (const name of names) expect(name).toMatch(/^lorikeet_[a-z_]+$/);
});
