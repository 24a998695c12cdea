import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';

const folder = mkdtempSync(join(tmpdir(), 'lorikeet-status-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

const set = readFeatures('rules/features-http-status.yaml');
const path = join(folder, 'rules.yaml');
writeFileSync(path, renderRecordingRules(set));

const HTTP = 'lorikeet_http_responses_total';
const SHARE = 'service:lorikeet_feature:window{feature="failed_responses_share",channel="green"}';
const GRPC = 'lorikeet_grpc_responses_total';
const pod = (service: string, number: number, role = 'server') =>
  `namespace="shop",service="${service}",pod="${service}-${number}",role="${role}"`;

const EDGE =
  'client_namespace="shop",client_service="front",server_namespace="shop",server_service="cart",server_port="80"';
/** By the minute, each adds to a counter. */
const series = {
  [`lorikeet_edge_responses_total{${EDGE}}`]: 40,
  [`lorikeet_edge_failed_responses_total{${EDGE}}`]: 10,
  // 8 of 40.
  [`${HTTP}{${pod('cart', 1)},class="2xx"}`]: 15,
  [`${HTTP}{${pod('cart', 1)},class="5xx"}`]: 5,
  [`${HTTP}{${pod('cart', 2)},class="2xx"}`]: 17,
  [`${HTTP}{${pod('cart', 2)},class="5xx"}`]: 3,
  [`${HTTP}{${pod('cart', 2)},class="1xx"}`]: 60,
  [`${HTTP}{${pod('cart', 2, 'client')},class="5xx"}`]: 60,
  // 3 of 20: the callers' faults are none.
  [`${HTTP}{${pod('rpc', 1)},class="2xx"}`]: 20,
  [`${HTTP}{${pod('rpc', 1)},class="5xx"}`]: 0,
  [`${GRPC}{${pod('rpc', 1)},code="OK"}`]: 10,
  [`${GRPC}{${pod('rpc', 1)},code="NotFound"}`]: 7,
  [`${GRPC}{${pod('rpc', 1)},code="Unavailable"}`]: 2,
  [`${GRPC}{${pod('rpc', 1)},code="Internal"}`]: 1,
  [`${HTTP}{${pod('idle', 1)},class="2xx"}`]: 0,
  [`${HTTP}{${pod('idle', 1)},class="5xx"}`]: 0,
};

describe('rules/features-http-status.yaml', () => {
  it('adds one feature of services and one of edges to features.yaml', () => {
    const shipped = readFeatures('rules/features.yaml');
    const { features, edges, ...rest } = set;
    expect(rest).toEqual({ ...shipped, features: undefined, edges: undefined });
    expect(features.slice(0, -1)).toEqual(shipped.features);
    expect(edges.slice(0, -1)).toEqual(shipped.edges);
    expect([features.at(-1)?.name, edges.at(-1)?.name]).toEqual(['failed_responses_share', 'failed_responses_share']);
    expect(edges.at(-1)?.failure).toBe(true);
  });

  it('has the share of failed responses of a service, and none without responses', () => {
    const share = (service: string, value: number) => ({
      labels: `{namespace="shop",service="${service}"}`,
      value,
    });
    const test = {
      rule_files: [path],
      evaluation_interval: '1m',
      tests: [
        {
          interval: '1m',
          input_series: Object.entries(series).map(([name, step]) => ({ series: name, values: `0+${step}x30` })),
          promql_expr_test: [
            {
              expr: `round(max without (feature, channel) (${SHARE}), 0.0001)`,
              eval_time: '20m',
              exp_samples: [share('cart', 0.2), share('rpc', 0.15)],
            },
            {
              expr: `max without (feature) (${SHARE.replace(/^service/, 'edge').replace(',channel="green"', '')})`,
              eval_time: '20m',
              exp_samples: [{ labels: `{${EDGE.replace(/,server_port.*/, '')}}`, value: 0.25 }],
            },
          ],
        },
      ],
    };
    const file = join(folder, 'test.yaml');
    writeFileSync(file, dump(test));
    expect(execFileSync('promtool', ['test', 'rules', file], { encoding: 'utf8' })).toContain('SUCCESS');
    expect(
      execFileSync('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', path], { encoding: 'utf8' }),
    ).toContain('SUCCESS');
  });
});
