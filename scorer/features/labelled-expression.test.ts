import { describe, expect, it, test } from 'vitest';
import { dividedBy, withLabels } from './labelled-expression.ts';

describe('withLabels', () => {
  it.each([
    ['sum by (namespace, service) (rate(x[1m]))', 'sum by (cluster, namespace, service) (rate(x[1m]))'],
    ['sum(x)by(namespace,service)', 'sum(x)by(cluster, namespace,service)'],
    ['SUM BY (namespace, le) (x)', 'SUM BY (cluster, namespace, le) (x)'],
    ['a and on (namespace, service) b', 'a and on (cluster, namespace, service) b'],
    ['a * on(pod) group_left (node) b', 'a * on(cluster, pod) group_left (node) b'],
    ['sum by (\n  namespace,\n  service\n) (x)', 'sum by (cluster, namespace,\n  service) (x)'],
    ['sum by (namespace, cluster) (x)', 'sum by (namespace, cluster) (x)'],
    ['sum without (pod) (x)', 'sum without (pod) (x)'],
    ['a / ignoring (code) b', 'a / ignoring (code) b'],
    ['a * on (feature) group_left (unit) b', 'a * on (feature) group_left (unit) b'],
    ['max by (feature) (a)', 'max by (cluster, feature) (a)'],
    ['a or on () vector(0)', 'a or on () vector(0)'],
    ['x{a="by (b)", c=\'on (d)\', e=`by (f)`}', 'x{a="by (b)", c=\'on (d)\', e=`by (f)`}'],
    ['x # sum by (a)\n+ y', 'x # sum by (a)\n+ y'],
    ['stand_by(x) + job:on(y)', 'stand_by(x) + job:on(y)'],
  ])('%s', (expr, expected) => {
    expect(withLabels(expr, ['cluster'])).toBe(expected);
    expect(withLabels(expr, [])).toBe(expr);
  });

  it('keeps the order of several labels, and what is there already', () => {
    const labels = ['tenant', 'cluster', 'environment'];
    expect(withLabels('sum by (namespace) (x)', labels)).toBe('sum by (tenant, cluster, environment, namespace) (x)');
    expect(withLabels('sum by (cluster, namespace) (x)', labels)).toBe(
      'sum by (tenant, environment, cluster, namespace) (x)',
    );
  });
});

test('dividedBy: nothing is one value for all clusters', () => {
  expect(dividedBy('group by (namespace) (topk(1, x)) * on () group_left () count(ALERTS{a="count(b)"})', ['c'])).toBe(
    'group by (c, namespace) (topk by (c) (1, x)) * on (c) group_left () count by (c) (ALERTS{a="count(b)"})',
  );
  expect(dividedBy('max_over_time(x[5m]) > count_over_time(x[5m])', ['c'])).toBe(
    'max_over_time(x[5m]) > count_over_time(x[5m])',
  );
});
