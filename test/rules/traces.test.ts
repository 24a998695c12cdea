import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-traces-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const set = readFeatures('rules/features-traces.yaml');
const path = join(folder, 'rules.yaml');
writeFileSync(path, renderRecordingRules(set));

const EDGE = 'client="front",server="cart",client_k8s_namespace_name="shop",server_k8s_namespace_name="shop"';
/** As Tempo has it without dimensions. */
const PLAIN = 'client="front",server="db",connection_type="database"';
const USER = 'client="user",server="front",connection_type="virtual_node"';

/** 10 calls a minute; by the minute, each adds to a counter. */
const series = {
  [`traces_service_graph_request_total{${EDGE}}`]: 10,
  [`traces_service_graph_request_failed_total{${EDGE}}`]: 1,
  [`traces_service_graph_request_client_seconds_sum{${EDGE}}`]: 0.5,
  [`traces_service_graph_request_client_seconds_count{${EDGE}}`]: 10,
  [`traces_service_graph_request_server_seconds_sum{${EDGE}}`]: 0.2,
  [`traces_service_graph_request_server_seconds_count{${EDGE}}`]: 10,
  [`traces_service_graph_request_total{${PLAIN}}`]: 10,
  [`traces_service_graph_request_client_seconds_sum{${PLAIN}}`]: 0.1,
  [`traces_service_graph_request_client_seconds_count{${PLAIN}}`]: 10,
  [`traces_service_graph_request_server_seconds_sum{${PLAIN}}`]: 0.1,
  [`traces_service_graph_request_server_seconds_count{${PLAIN}}`]: 10,
  [`traces_service_graph_request_total{${USER}}`]: 10,
  [`traces_service_graph_request_client_seconds_sum{${USER}}`]: 0,
  [`traces_service_graph_request_client_seconds_count{${USER}}`]: 10,
};

const labels = (feature: string, [clientNamespace, client, serverNamespace, server]: readonly string[]) =>
  `{feature="${feature}",client_namespace="${clientNamespace}",client_service="${client}",server_namespace="${serverNamespace}",server_service="${server}"}`;
const CART = ['shop', 'front', 'shop', 'cart'];
const DB = ['default', 'front', 'default', 'db'];
const FRONT = ['default', 'user', 'default', 'front'];

describe('rules/features-traces.yaml', () => {
  it('adds to features.yaml, whose features of services stay', () => {
    const shipped = readFeatures('rules/features.yaml');
    expect(set.features).toEqual(shipped.features);
    expect(set.edges.slice(0, shipped.edges.length)).toEqual(shipped.edges);
    expect(set.edges.filter(({ failure }) => failure).map(({ name }) => name)).toEqual([
      'failure_rate',
      'traced_failure_share',
    ]);
  });

  it('passes promtool', () => {
    expect(
      execFileSync('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', path], { encoding: 'utf8' }),
    ).toContain('SUCCESS');
  });

  it.each<[string, readonly (readonly [readonly string[], number])[]]>([
    [
      'traced_request_rate',
      [
        [CART, 0.1667],
        [DB, 0.1667],
        [FRONT, 0.1667],
      ],
    ],
    [
      'traced_latency',
      [
        [CART, 0.05],
        [DB, 0.01],
      ],
    ],
    [
      'traced_failure_share',
      [
        [CART, 0.1],
        [DB, 0],
        [FRONT, 0],
      ],
    ],
    ['traced_network_time', [[CART, 0.03]]],
  ])('makes %s of service graphs', (feature, expected) => {
    const test = {
      rule_files: ['rules.yaml'],
      evaluation_interval: '30s',
      tests: [
        {
          interval: '30s',
          input_series: Object.entries(series).map(([name, perMinute]) => ({
            series: name,
            values: `0+${perMinute / 2}x20`,
          })),
          promql_expr_test: [
            {
              expr: `round(edge:lorikeet_feature:window{feature="${feature}"}, 0.0001)`,
              eval_time: '5m',
              exp_samples: expected.map(([edge, value]) => ({ labels: labels(feature, edge), value })),
            },
          ],
        },
      ],
    };
    const file = join(folder, `${feature}.yaml`);
    writeFileSync(file, dump(test));
    expect(execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
  });
});
