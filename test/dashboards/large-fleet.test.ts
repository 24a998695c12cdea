import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { EDGE_SERIES, readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import type { Sample } from '../../scorer/output/remote-write/sample.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { DashboardView } from '../../scripts/preview/grafana.ts';
import { readDashboards } from '../../scripts/preview/read-dashboards.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { expectDrawable } from './node-graph-frames.ts';

const CALLS_EACH = 3;
const ANOMALOUS = 20;
const RULE_INTERVAL_MS = 1000;

const nameOf = (index: number): string => `service-${index}`;

/** The callees of a service: a few fixed ones, spread over the fleet. */
const calleesOf = (index: number, services: number): number[] =>
  Array.from({ length: CALLS_EACH }, (_, call) => (index * 7 + call * 131 + 1) % services).filter(
    (one) => one !== index,
  );

/** The series of a fleet as written by scorer and rules, with the first services anomalous. */
function fleetSamples(services: number, timestampMs: number): Sample[] {
  return Array.from({ length: services }, (_, index) => index).flatMap((index) => {
    const anomalous = index < Math.min(ANOMALOUS, services / 2);
    const labels = { namespace: 'fleet', service: nameOf(index), detector: 'autoencoder' };
    const score = {
      name: 'anomaly_score',
      labels,
      value: anomalous ? 1.5 + index / 100 : index / services / 2,
      timestampMs,
    };
    const calls = calleesOf(index, services).flatMap((callee) =>
      (['request_rate', 'request_latency'] as const).map((feature) => ({
        name: EDGE_SERIES,
        labels: {
          client_namespace: 'fleet',
          client_service: nameOf(index),
          server_namespace: 'fleet',
          server_service: nameOf(callee),
          feature,
        },
        value: feature === 'request_rate' ? 10 + index : 0.02,
        timestampMs,
      })),
    );
    return [score, ...calls];
  });
}

describe.each([10, 200, 2000])('the graph of %i services', (services) => {
  let folder: string;
  let prometheus: RunningPrometheus;
  let view: DashboardView;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-large-fleet-'));
    const rules = join(folder, 'rules.yaml');
    writeFileSync(rules, renderRecordingRules(readFeatures('rules/features.yaml'), { intervalMs: RULE_INTERVAL_MS }));
    prometheus = await startPrometheus({ config: `rule_files: ['${rules}']\n` });
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 10_000 });
    const logger = createLogger({ write: () => undefined });
    const writer = new RemoteWriter({ url: `${prometheus.url}/api/v1/write`, http, logger });
    await writer.write(fleetSamples(services, Date.now()));
    await writer.close();
    await http.close();
    const end = await untilGraph(services);
    const [overview] = readDashboards().filter(({ uid }) => uid === 'lorikeet-overview');
    if (overview === undefined) throw new Error('no overview dashboard');
    view = await DashboardView.open(overview, {
      prometheusUrl: prometheus.url,
      end,
      span: 60,
      scrapeInterval: 1,
      chosen: {},
    });
  }, 60_000);

  afterAll(async () => {
    await prometheus?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Waits until the rules have evaluated the whole fleet; resolves with that time. */
  async function untilGraph(count: number): Promise<number> {
    for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(200)) {
      const now = Date.now() / 1000;
      const query = encodeURIComponent(
        'count(service:lorikeet_graph:relevance) and on () count(edge:lorikeet_graph:edge) > 1',
      );
      const answer = (await (await fetch(`${prometheus.url}/api/v1/query?time=${now}&query=${query}`)).json()) as {
        data: { result: { value: [number, string] }[] };
      };
      if (Number(answer.data.result[0]?.value[1]) === count) return now;
    }
    throw new Error('no graph from the rules');
  }

  it('can be drawn, with every anomalous service and as many of their neighbours as fit', async () => {
    const panel = view.dashboard.panels.find(({ type }) => type === 'nodeGraph');
    if (panel === undefined) throw new Error('no node graph panel');
    const graph = expectDrawable(await view.frames(panel));
    process.stdout.write(`graph of ${services} services: ${graph.ids.length} nodes, ${graph.edgeIds.length} edges\n`);
    expect(graph.ids.length).toBe(Math.min(200, services));
    expect(graph.edgeIds.length).toBeGreaterThan(0);
    const anomalous = Array.from({ length: Math.min(ANOMALOUS, services / 2) }, (_, index) => index);
    const wanted = new Set(
      anomalous.flatMap((index) => [index, ...calleesOf(index, services)]).map((index) => `fleet/${nameOf(index)}`),
    );
    for (const id of wanted) expect(graph.ids).toContain(id);
  });
});
