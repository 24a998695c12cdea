import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { ScorerApp } from '../../scorer/app.ts';
import { readScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { describeReleases } from '../skips/describe-releases.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { type Proxy, startProxy } from '../testserver/proxy.ts';
import { FeatureTraffic } from '../testserver/traffic.ts';
import { untilValue } from '../until.ts';

const NORMAL: Readonly<Record<string, number>> = { request_rate: 40, request_latency: 0.02, memory_bytes: 5e7 };
const SERVICES = ['cart', 'catalog', 'payment'];

let folder: string;
let prometheus: RunningPrometheus;
let proxy: Proxy;
let app: ScorerApp;
let address: string;
const logged: string[] = [];
const logger = createLogger({ write: (line) => logged.push(line) });

const traffic = new FeatureTraffic(SERVICES, NORMAL);
let timer: NodeJS.Timeout | undefined;

function configure(
  name: string,
  extra = '',
  output = `remote_write: { url: '${prometheus.url}/api/v1/write' }`,
): string {
  const path = join(folder, name);
  writeFileSync(
    path,
    `prometheus: { url: '${proxy.url}' }
${output}
interval: 1s
delay: 300ms
steps: [0, 1, 2, 3]
features_file: features.yaml
state_dir: state
learning: { minimum: 15s }
${extra}`,
  );
  return path;
}

function createApp(configFile: string): ScorerApp {
  const config = readScorerConfig(configFile);
  return new ScorerApp({
    config,
    set: readFeatures(config.features_file ?? ''),
    logger,
    listenAddress: '127.0.0.1:0',
    learnCommand: [process.execPath, resolve('dist/lorikeet-scorer.js'), 'train', `--config.file=${configFile}`],
  });
}

async function scores(): Promise<Map<string, number>> {
  const response = await fetch(`${prometheus.url}/api/v1/query?query=anomaly_score`);
  const { data } = (await response.json()) as {
    data: { result: { metric: { service: string }; value: [number, string] }[] };
  };
  return new Map(data.result.map(({ metric, value }) => [metric.service, Number(value[1])]));
}

const until = <T>(what: string, read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> =>
  untilValue(what, read, holds, {
    timeoutMs: 60_000,
    periodMs: 200,
    seen: () => logged.slice(-15).join('\n'),
  });

const page = async (path: string) => await (await fetch(`http://${address}${path}`)).text();

describeReleases((release) => {
  describe('the scorer against a real Prometheus', { timeout: 90_000 }, () => {
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'lorikeet-pipeline-'));
      prometheus = await startPrometheus({ program: release.prometheus });
      proxy = await startProxy(prometheus.url);
      const features = Object.keys(NORMAL)
        .map((name) => `  - { name: ${name}, expr: 'm[$window]', scale: log }`)
        .join('\n');
      writeFileSync(join(folder, 'features.yaml'), `windows: [1s, 2s, 4s]\nfeatures:\n${features}\n`);
      const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 5000 });
      const writer = new RemoteWriter({ url: `${prometheus.url}/api/v1/write`, http, logger });
      timer = setInterval(() => void writer.write(traffic.samples()), 500);
      app = createApp(configure('scorer.yaml'));
      address = await app.start();
    }, 60_000);

    afterAll(async () => {
      clearInterval(timer);
      await app?.stop();
      await proxy?.stop();
      await prometheus?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('reports learning, without scores, until it has learned; then scores all services', async () => {
      await until(
        'learning is logged',
        () => page('/metrics'),
        (text) => text.includes('lorikeet_scorer_services{state="learning"} 3'),
      );
      expect(await page('/metrics')).toMatch(/^lorikeet_scorer_learning_seconds_left ([1-9]|1[0-5])$/m);
      expect(logged.find((line) => line.includes('services are learning'))).toMatch(
        /services=3 seconds_left=\d+ for_example=shop/,
      );
      expect((await scores()).size).toBe(0);
      const seen = await until('all are scored', scores, (found) => found.size === SERVICES.length);
      for (const score of seen.values()) expect(score).toBeGreaterThanOrEqual(0);
      expect(await page('/-/ready')).toContain('is ready');
      const metrics = await page('/metrics');
      expect(metrics).toContain('lorikeet_scorer_learning_seconds_left 0');
      for (const phase of ['fetch', 'train', 'calibrate']) {
        expect(metrics).toContain(`lorikeet_scorer_training_progress_ratio{phase="${phase}"} `);
      }
      expect(metrics).toContain('lorikeet_scorer_training_progress_ratio{phase="calibrate"} 1');
    });

    it('queries Prometheus twice per cycle', async () => {
      const count = /cycle_duration_seconds_count\{phase="query"\} (\d+)/;
      const cycles = async () => Number(count.exec(await page('/metrics'))?.[1]);
      const first = await cycles();
      proxy.reset();
      const last = await until('five cycles', cycles, (second) => second >= first + 5);
      const asked = proxy.requests.get('/api/v1/query') ?? 0;
      expect([...proxy.requests.keys()]).toEqual(['/api/v1/query']);
      // The start or the end of the count may be within a cycle.
      expect(Math.abs(asked - 2 * (last - first))).toBeLessThanOrEqual(2);
    });

    it('raises the score of the changed service, names the feature, and lowers it afterwards', async () => {
      traffic.factor.set('catalog/request_latency', 6);
      const seen = await until('catalog is anomalous', scores, (found) => (found.get('catalog') ?? 0) > 1);
      expect(seen.get('cart')).toBeLessThan(1);
      expect(seen.get('payment')).toBeLessThan(1);
      const response = await fetch(
        `${prometheus.url}/api/v1/query?query=topk(1,anomaly_feature_share{service="catalog"})`,
      );
      expect(await response.text()).toContain('"feature":"request_latency"');
      const rank = await fetch(`${prometheus.url}/api/v1/query?query=anomaly_root_cause_rank==1`);
      expect(await rank.text()).toContain('"service":"catalog"');
      traffic.factor.clear();
      await until('catalog is normal again', scores, (found) => (found.get('catalog') ?? 9) < 1);
      const ended = async () =>
        await (await fetch(`${prometheus.url}/api/v1/query?query=anomaly_root_cause_rank`)).text();
      await until('the incident ends', ended, (text) => text.includes('"result":[]'));
    });

    it('ends the score of a service that is gone', async () => {
      traffic.services.delete('payment');
      await until('payment has no score', scores, (found) => found.size === 2 && !found.has('payment'));
      expect(await page('/metrics')).toContain('lorikeet_scorer_services{state="no_data"} 1');
      traffic.services.add('payment');
      await until('payment has a score again', scores, (found) => found.has('payment'));
    });

    it('survives errors of Prometheus, and ends the old scores', async () => {
      proxy.failWith = 503;
      await until('scores are ended', scores, (found) => found.size === 0);
      expect(await page('/metrics')).toMatch(/lorikeet_scorer_query_failures_total\{code="SERVER"\} [1-9]/);
      const complaints = logged.filter((line) => line.includes('msg="cycle failed"'));
      expect(complaints).toHaveLength(1);
      proxy.failWith = undefined;
      await until('scores are back', scores, (found) => found.size === SERVICES.length);
      expect(logged.some((line) => line.includes('cycles complete again'))).toBe(true);
    });

    it('logs a damaged model and continues with the base model', async () => {
      await app.stop();
      const state = join(folder, 'state/models');
      const base = join(folder, 'base.onnx');
      const fleet = readdirSync(state).find((name) => /^fleet-.*\.onnx$/.test(name)) ?? '';
      for (const end of ['onnx', 'json']) {
        copyFileSync(join(state, fleet.replace('onnx', end)), join(folder, `base.${end}`));
      }
      writeFileSync(join(state, fleet), 'not a model');
      logged.length = 0;
      app = createApp(configure('damaged.yaml', `base_model: ${base}`));
      address = await app.start();
      expect(logged.find((line) => line.includes('not usable'))).toContain(fleet);
      expect(logged.find((line) => line.includes('model opened'))).toContain('base.onnx');
      expect(await page('/metrics')).toContain('lorikeet_scorer_model_damaged 1');
      await until('scores are back', scores, (found) => found.size === SERVICES.length);
    });

    it('serves the scores on /metrics without a receiver', async () => {
      await app.stop();
      app = createApp(configure('metrics.yaml', '', 'output: metrics'));
      address = await app.start();
      const text = await until(
        'scores on /metrics',
        () => page('/metrics'),
        (shown) => SERVICES.every((service) => shown.includes(`anomaly_score{namespace="shop",service="${service}"`)),
      );
      expect(text).not.toMatch(/^lorikeet_scorer_samples_written_total/m);
      execFileSync(release.promtool, ['check', 'metrics'], { input: text });
    });
  });
});
