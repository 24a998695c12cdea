import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { ScorerApp } from '../../scorer/app.ts';
import {
  CHANNELS,
  EDGE_SERIES,
  ENDPOINT_SERIES,
  POD_SERIES,
  SERVICE_SERIES,
  VERSION_SERIES,
} from '../../scorer/features/features.ts';
import { TraceGenerator } from '../../scorer/detectors/trace-sequence/events/traces.testdata.ts';
import { learn } from '../../scorer/learning/learn.ts';
import { learnDetectors } from '../../scorer/learning/detectors/learn-detectors.ts';
import { PrometheusClient } from '../../scorer/prometheus/client.ts';
import { readScorerFiles } from '../../scorer/scorer-files.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';

const MINUTE = 60_000;
const MINUTES = 300;
/** The minute from which on the calls of `cart` are slow and its pod `cart-1` takes more of a processor. */
const FAULT = 270;
const END = Math.floor(Date.now() / MINUTE) * MINUTE - 2 * MINUTE;
const BEGIN = END - MINUTES * MINUTE;
const at = (minute: number) => BEGIN + minute * MINUTE;

const FEATURES = `
windows: [1m, 5m, 15m]
features:
  - { name: request_rate, expr: 'a[$window]', scale: log, signal: traffic, floor: 0.05 }
  - { name: request_latency, expr: 'b[$window]', scale: log, signal: latency, floor: 0.0002 }
edges:
  - { name: request_latency, expr: 'c[$window]', scale: log, signal: latency, floor: 0.0002 }
pods:
  - { name: request_latency, expr: 'd[$window]', scale: log, signal: latency, floor: 0.0002 }
  - { name: cpu_cores, expr: 'e[$window]', scale: log, floor: 0.005 }
endpoints:
  - { name: request_latency, expr: 'f[$window]', scale: log, signal: latency, floor: 0.0002 }
versions: g
`;
const SERVICES = ['front', 'cart', 'pay'];
const PODS = 4;

function* history(): Generator<string> {
  let state = 7;
  const noise = () => {
    state = (state * 48_271) % 2_147_483_647;
    return 0.95 + (0.1 * state) / 2_147_483_647;
  };
  const rows = function* (series: string, value: (minute: number) => number): Generator<string> {
    for (let minute = 0; minute <= MINUTES; minute++) yield `${series} ${value(minute)} ${at(minute) / 1000}\n`;
  };
  const slow = (service: string, minute: number) => (service === 'cart' && minute > FAULT ? 6 : 1);
  for (const service of SERVICES) {
    const labels = `namespace="shop",service="${service}"`;
    for (const channel of CHANNELS) {
      const of = (feature: string) => `${SERVICE_SERIES}{${labels},feature="${feature}",channel="${channel}"}`;
      yield* rows(of('request_rate'), () => 20 * noise());
      yield* rows(of('request_latency'), (minute) => 0.02 * noise() * slow(service, minute));
    }
    for (let pod = 0; pod < PODS; pod++) {
      const of = (feature: string) => `${POD_SERIES}{${labels},pod="${service}-${pod}",feature="${feature}"}`;
      const busy = (minute: number) => (service === 'cart' && pod === 1 && minute > FAULT ? 5 : 1);
      yield* rows(of('request_latency'), (minute) => 0.02 * noise() * slow(service, minute));
      yield* rows(of('cpu_cores'), (minute) => 0.2 * noise() * busy(minute));
      const version = `${VERSION_SERIES}{namespace="shop",pod="${service}-${pod}",version="${pod === 1 ? 'v2' : 'v1'}"}`;
      yield* rows(version, () => 1);
    }
    const endpoint = `${ENDPOINT_SERIES}{${labels},endpoint="GET /${service}",feature="request_latency"}`;
    yield* rows(endpoint, (minute) => 0.02 * noise() * slow(service, minute));
  }
  for (const callee of ['cart', 'pay']) {
    const ends = `client_namespace="shop",client_service="front",server_namespace="shop",server_service="${callee}"`;
    yield* rows(`${EDGE_SERIES}{${ends},feature="request_latency"}`, (minute) => 0.02 * noise() * slow(callee, minute));
  }
  yield '# EOF\n';
}

/** What each detector is configured with; small and quick. */
const SECTIONS: Readonly<Record<string, object | null>> = {
  autoencoder: null,
  gru_vae: { epochs: 15, window: 16, hidden: 8, latent: 4 },
  lstm_autoencoder: { features: ['cpu_cores', 'request_latency'], epochs: 15, hidden: 8 },
  instance_outlier: null,
};

describe('detectors on a real Prometheus', { timeout: 120_000 }, () => {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 20_000 });
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-detectors-'));
  let prometheus: RunningPrometheus;
  let client: PrometheusClient;

  beforeAll(async () => {
    prometheus = await startPrometheus({ history: history() });
    client = new PrometheusClient({ url: prometheus.url, http });
    writeFileSync(join(folder, 'features.yaml'), FEATURES);
  }, 60_000);
  afterAll(async () => {
    await http.close();
    await prometheus.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A scorer that isn't started, with these detectors. */
  function createApp(path: string): ScorerApp {
    return new ScorerApp({
      ...readScorerFiles(path),
      logger: createLogger({ write: () => undefined }),
      listenAddress: '127.0.0.1:0',
      learnCommand: ['true'],
    });
  }

  function configure(name: string, detectors: object, more: object = {}): string {
    const path = join(folder, `${name}.yaml`);
    const config = {
      prometheus: { url: prometheus.url },
      output: 'metrics',
      interval: '1m',
      steps: [0, 1, 2, 3],
      features_file: 'features.yaml',
      state_dir: name,
      learning: { minimum: '1h' },
      detectors,
      ...more,
    };
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  /** Learns until the fault, runs the cycles around it, and returns the scorer's own page. */
  async function run(name: string, detectors: object): Promise<string> {
    const path = configure(name, detectors, {
      // Only after what is learned from.
      maintenance: [
        `group by (namespace, service) (${SERVICE_SERIES}{service="pay"}) and on () vector(time()) > ${at(FAULT) / 1000}`,
      ],
    });
    const files = readScorerFiles(path);
    const fleet = { ...files, client };
    const span = { fromMs: at(0), toMs: at(FAULT - 10) };
    await learn(fleet, span, 'all', { epochs: 2 });
    const outcomes = await learnDetectors(fleet, span, { all: true });
    expect(outcomes.filter(({ reason }) => reason !== undefined)).toEqual([]);
    const app = createApp(path);
    try {
      await app.open();
      for (let minute = FAULT - 3; minute <= FAULT + 12; minute++) await app.cycle(at(minute) / MINUTE);
      return app.renderScores();
    } finally {
      await app.stop();
    }
  }

  /** Scores of `anomaly_score`, by the other labels. */
  function scores(page: string, detector: string): Map<string, number> {
    const found = new Map<string, number>();
    for (const [, labels = '', value] of page.matchAll(/^anomaly_score\{([^}]*)\} (\S+)$/gm)) {
      if (!labels.includes(`detector="${detector}"`)) continue;
      const name = [...labels.matchAll(/(service|pod|endpoint)="([^"]*)"/g)].map(([, , text]) => text).join(' ');
      found.set(name, Number(value));
    }
    return found;
  }

  const above = (of: ReadonlyMap<string, number>) => [...of].filter(([, score]) => score > 1).map(([name]) => name);

  it('gru_vae alone finds the slow service, endpoint and edge, and ranks it first', async () => {
    const page = await run('gru', { gru_vae: SECTIONS['gru_vae'] });
    expect(above(scores(page, 'gru_vae'))).toEqual(['cart', 'cart GET /cart']);
    expect(page).toMatch(/^anomaly_edge_score\{.*server_service="cart",detector="gru_vae"\} [1-9]/m);
    expect(page).toContain('anomaly_root_cause_rank{namespace="shop",service="cart"} 1\n');
    const start =
      /^anomaly_interval_start_timestamp_seconds\{namespace="shop",service="cart",detector="gru_vae"\} (\d+)/m;
    expect(Number(start.exec(page)?.[1])).toBe(at(FAULT + 1) / 1000);
    expect(scores(page, 'autoencoder').size).toBe(0);
    expect(page).toContain('anomaly_maintenance{namespace="shop",service="pay"} 1\n');
  });

  it('lstm_autoencoder alone finds the pods whose metrics are off', async () => {
    const page = await run('lstm', { lstm_autoencoder: SECTIONS['lstm_autoencoder'] });
    expect(above(scores(page, 'lstm_autoencoder'))).toEqual([
      'cart cart-0',
      'cart cart-1',
      'cart cart-2',
      'cart cart-3',
    ]);
  });

  it('instance_outlier alone finds the pod that differs, and its version', async () => {
    const page = await run('instances', { instance_outlier: null });
    expect(above(scores(page, 'instance_outlier'))).toEqual(['cart cart-1']);
    const share = /^anomaly_feature_share\{.*pod="cart-1",detector="instance_outlier",feature="cpu_cores"\} (\S+)/m;
    expect(Number(share.exec(page)?.[1])).toBeGreaterThan(0.7);
    const version = /^anomaly_version_score\{namespace="shop",service="(\w+)",version="v2"\} (\S+)/gm;
    const versions = new Map([...page.matchAll(version)].map(([, service, score]) => [service, Number(score)]));
    expect(versions.get('cart')).toBeGreaterThan(1);
    expect(versions.get('pay')).toBeLessThan(1);
  });

  it('trace_sequence alone finds the service that leaves out a call, from traces alone', async () => {
    const traces = { listen_address: '127.0.0.1:0' };
    const path = configure('traces', { trace_sequence: { epochs: 10 } }, { traces });
    const usual = createApp(path);
    await usual.open();
    for (const trace of new TraceGenerator(1).traces(2000, END)) usual.takeTrace(trace);
    await usual.stop();
    const fleet = { ...readScorerFiles(path), client };
    const [outcome] = await learnDetectors(fleet, { fromMs: at(0), toMs: END }, { all: true });
    expect(outcome).toEqual({ detector: 'trace_sequence', reason: undefined });
    const app = createApp(path);
    await app.open();
    const fault = { type: 'skip', service: 'front', callee: 'shipping' } as const;
    for (const trace of new TraceGenerator(2).traces(200, END, fault)) app.takeTrace(trace);
    await app.cycle(END / MINUTE);
    const page = app.renderScores();
    await app.stop();
    expect(above(scores(page, 'trace_sequence'))).toEqual(['front']);
    expect(page).toMatch(
      /^anomaly_unexpected_event\{namespace="shop",service="front",kind="missing_call",event="[^"]*",expected="shop\/front>shop\/shipping POST \/ship"\} 0\.\d+$/m,
    );
  });

  it('all together agree on the service', async () => {
    const agreement = { of: Object.keys(SECTIONS), at_least: 3 };
    const page = await run('all', { ...SECTIONS, agreement, pattern: null });
    for (const detector of Object.keys(SECTIONS)) {
      const found = above(scores(page, detector));
      expect(found.length, detector).toBeGreaterThan(0);
      expect(
        found.filter((name) => !name.startsWith('cart')),
        detector,
      ).toEqual([]);
    }
    expect(above(scores(page, 'agreement'))).toEqual(['cart']);
    const pattern =
      /^anomaly_pattern\{namespace="shop",service="(\w+)",feature="(\w+)",pattern="(\w+)",direction="(\w+)"\} 1$/gm;
    const named = [...page.matchAll(pattern)].map(([, service, , shape, direction]) => [service, shape, direction]);
    expect(named).toEqual([['cart', 'mean_shift', 'up']]);
    expect(page).toContain('anomaly_root_cause_rank{namespace="shop",service="cart"} 1\n');
  });
});
