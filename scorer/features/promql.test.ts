import { expect, test } from 'vitest';
import { problemOfPromQL } from './promql.ts';

test.each([
  'maintenance_active',
  'maintenance_active == 1',
  'maintenance{service=~"a|b", namespace!="x"} > bool 0',
  'max by (namespace, service) (kube_deployment_spec_paused{deployment!=""}) == 1',
  'label_replace(up == 0, "service", "$1", "job", "(.*)")',
  'changes(kube_deployment_status_observed_generation[10m]) > 0 and on (namespace) up',
  'rate(x[5m:1m] offset 1h) > 0',
  'vector(1) and on () (hour() >= 2 < 4)',
  'absent(up{job="x"})',
  'quantile_over_time(0.9, x[5m]) > 1',
  '-x',
  '(x) # comment',
  'x\n  == 1',
  'ALERTS{alertname="Maintenance", alertstate="firing"}',
  'timestamp(x offset 5m) > time() - 60',
  'x @ end()',
  'topk(3, x)',
  'count_values("version", build_info)',
  'x * on (namespace) group_left (service) y',
])('accepts %s', (expression) => {
  expect(problemOfPromQL(expression)).toBeUndefined();
});

test.each([
  ['x ==', 'syntax error at the end'],
  ['== 1', 'syntax error at "== 1"'],
  ['x = 1', 'syntax error'],
  ['sum by (a (x)', 'syntax error'],
  ['x{a="b"', 'syntax error'],
  ['x{a=b}', 'syntax error'],
  ['rate(x[5m)', 'syntax error'],
  ['x[5]]', 'syntax error'],
  ['nosuchfunction(x)', 'syntax error'],
  ['x y', 'syntax error at "y"'],
  ['(x', 'syntax error at the end'],
  ['', 'syntax error at the end'],
  ['# comment', 'syntax error at the end'],
  ['1', 'expected an instant vector, got a scalar'],
  ['1 == bool 1', 'expected an instant vector, got a scalar'],
  ['time()', 'expected an instant vector, got a scalar'],
  ['scalar(x) > 1', 'expected an instant vector, got a scalar'],
  ['"x"', 'expected an instant vector, got a string'],
  ['x[5m]', 'expected an instant vector, got a range vector'],
  ['x[5m:1m]', 'expected an instant vector, got a range vector'],
  ['rate(x)', 'rate needs a range, as in rate(x[5m])'],
  ['max_over_time(x) == 1', 'max_over_time needs a range'],
  ['abs(x[5m])', 'abs of a range vector'],
  ['sum(x[5m])', 'an aggregation of a range vector'],
  ['x[5m] > 1', 'an operator with a range vector'],
  ['x == "1"', 'an operator with a string'],
])('refuses %s', (expression, problem) => {
  expect(problemOfPromQL(expression)).toContain(problem);
});
