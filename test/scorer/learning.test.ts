import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { readScorerConfig } from '../../scorer/config.ts';
import { CHANNELS, EDGE_SERIES, readFeatures, SERVICE_SERIES } from '../../scorer/features/features.ts';
import { openKnowledge } from '../../scorer/learning/knowledge.ts';
import type { LearningProgress, OnProgress } from '../../scorer/learning/progress.ts';
import { type ConfiguredFleet, learn, type LearnResult } from '../../scorer/learning/learn.ts';
import type { PastSpan } from '../../scorer/fleet/past.ts';
import { PrometheusClient } from '../../scorer/prometheus/client.ts';
import { edgeKey, serviceKey } from '../../scorer/identity/service-key.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2024, 0, 1);
/** Service -> its first minute. */
const SINCE = new Map([
  ['cart', 0],
  ['a.b|c', 0],
  ['late', 60],
]);
const FEATURES = ['request_rate', 'request_latency'];
const MINUTES = 200;
/** An incident of one service, with its values multiplied by this factor. */
const INCIDENT = { service: 'cart', from: 150, to: 180, factor: 8 };

function* history(): Generator<string> {
  let state = 5;
  const noise = () => {
    state = (state * 48_271) % 2_147_483_647;
    return 0.9 + (0.2 * state) / 2_147_483_647;
  };
  const quoted = (service: string) => JSON.stringify(service);
  for (const [service, since] of SINCE) {
    for (const feature of FEATURES) {
      for (const channel of CHANNELS) {
        const series = `${SERVICE_SERIES}{namespace="shop",service=${quoted(service)},feature="${feature}",channel="${channel}"}`;
        for (let minute = since; minute < MINUTES; minute++) {
          const anomalous = service === INCIDENT.service && minute >= INCIDENT.from && minute < INCIDENT.to;
          yield `${series} ${20 * noise() * (anomalous ? INCIDENT.factor : 1)} ${(BEGIN + minute * MINUTE) / 1000}\n`;
        }
      }
    }
  }
  const edge = `${EDGE_SERIES}{client_namespace="shop",client_service="cart",server_namespace="shop",server_service="late",feature="call_latency"}`;
  for (let minute = 60; minute < MINUTES; minute++) yield `${edge} ${noise()} ${(BEGIN + minute * MINUTE) / 1000}\n`;
  for (let minute = 0; minute < MINUTES; minute++) {
    const score = minute >= INCIDENT.from && minute < INCIDENT.to ? 3 : 0.5;
    const name = `anomaly_score{namespace="shop",service="${INCIDENT.service}",detector="autoencoder"}`;
    yield `${name} ${score} ${(BEGIN + minute * MINUTE) / 1000}\n`;
  }
  yield '# EOF\n';
}

/** Options of one learning process. */
interface Learning extends ConfiguredFleet, PastSpan {
  readonly renew?: 'old' | 'all' | 'model';
  readonly seed?: number;
  readonly onProgress?: OnProgress;
}

function run({ renew, seed = 1, onProgress, fromMs, toMs, ...fleet }: Learning): Promise<LearnResult> {
  return learn(fleet, { fromMs, toMs }, renew, { epochs: 12, seed }, onProgress);
}

const at = (minute: number) => BEGIN + minute * MINUTE;
const key = (service: string) => serviceKey({ namespace: 'shop', service });

describe('learning from a real Prometheus', { timeout: 60_000 }, () => {
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 20_000 });
  let prometheus: RunningPrometheus;
  let folder: string;

  beforeAll(async () => {
    prometheus = await startPrometheus({ history: history() });
  }, 60_000);
  afterAll(async () => {
    await http.close();
    await prometheus?.stop();
  });
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-learning-'));
    const features = FEATURES.map((name) => `  - { name: ${name}, expr: 'm[$window]', scale: log }`).join('\n');
    const edges = "edges:\n  - { name: call_latency, expr: 'm[$window]', scale: log, signal: latency }";
    writeFileSync(join(folder, 'features.yaml'), `windows: [1m, 2m, 3m]\nfeatures:\n${features}\n${edges}\n`);
    return () => rmSync(folder, { recursive: true, force: true });
  });

  function options(toMinute: number, state = 'state'): Learning {
    const path = join(folder, 'scorer.yaml');
    writeFileSync(
      path,
      `prometheus: { url: '${prometheus.url}' }\noutput: metrics\nsteps: [0, 1, 2]\nfeatures_file: features.yaml\nstate_dir: ${state}\nlearning: { history: 3h }\n`,
    );
    const config = readScorerConfig(path);
    const set = readFeatures(config.features_file ?? '');
    const client = new PrometheusClient({ url: prometheus.url, http });
    return { config, set, client, fromMs: at(toMinute) - config.learning.history, toMs: at(toMinute) };
  }

  /** Aborts learning when it reports `moment`. */
  async function killed(learning: Learning, moment: (progress: LearningProgress) => boolean): Promise<void> {
    const controller = new AbortController();
    const onProgress = (progress: LearningProgress) => {
      if (moment(progress)) controller.abort(new Error('killed'));
    };
    await expect(run({ ...learning, signal: controller.signal, onProgress })).rejects.toThrow();
    expect(controller.signal.aborted).toBe(true);
  }

  /** Learns, and returns the first epoch of the training. */
  async function firstEpoch(learning: Learning): Promise<string | undefined> {
    const epochs: string[] = [];
    const onProgress = ({ phase, detail }: LearningProgress) => {
      if (phase === 'train') epochs.push(detail.replace(/,.*/, ''));
    };
    await run({ ...learning, onProgress });
    return epochs[0];
  }

  async function known(toMinute: number) {
    const { config, set } = options(toMinute);
    const { model, profiles } = await openKnowledge(config, set);
    await model?.autoencoder.close();
    return { model, profiles };
  }

  const models = (state = 'state') =>
    readdirSync(join(folder, state, 'models')).filter((name) => name !== 'profiles.json');

  it('learns a service again after as much time as it was learned from, and others only then', async () => {
    expect((await run(options(40))).services).toBe(2);
    const first = await known(40);
    expect(first.profiles?.services.get(key('a.b|c'))).toMatchObject({ from: at(2) / MINUTE, to: at(40) / MINUTE });

    // The others are learned from 39 minutes; a new service in between does not renew them.
    expect(await run(options(76))).toMatchObject({ services: 1, edges: 1 });
    const second = await known(76);
    expect(second.model?.checksum).toBe(first.model?.checksum);
    expect(second.profiles?.services.get(key('cart'))).toEqual(first.profiles?.services.get(key('cart')));
    expect(second.profiles?.services.get(key('late'))).toMatchObject({ from: at(62) / MINUTE, to: at(76) / MINUTE });
    const edge = edgeKey({ namespace: 'shop', service: 'cart' }, { namespace: 'shop', service: 'late' });
    expect(second.profiles?.edges.get(edge)?.[0]?.center).toBeCloseTo(1, 1);

    expect((await run(options(77))).services).toBe(0);
    expect((await run(options(79))).services).toBe(2);
    expect((await known(79)).profiles?.services.get(key('cart'))).toMatchObject({ from: at(2) / MINUTE });
    expect((await run({ ...options(80), renew: 'all' })).services).toBe(3);
  });

  it('excludes the time in which a service was anomalous, unless that is more than half of it', async () => {
    await run(options(140));
    await run({ ...options(185), renew: 'all' });
    const { profiles } = await known(185);
    const cart = profiles?.services.get(key(INCIDENT.service));
    const other = profiles?.services.get(key('a.b|c'));
    expect((other?.windows ?? 0) - (cart?.windows ?? 0)).toBeGreaterThan(20);
    for (const scaling of cart?.scalings ?? []) expect(scaling?.center).toBeLessThan(22);

    await run({ ...options(185), fromMs: at(140), renew: 'all' });
    const since = (await known(185)).profiles?.services.get(key(INCIDENT.service));
    for (const scaling of since?.scalings ?? []) expect(scaling?.center).toBeGreaterThan(100);
  });

  it('resumes a killed training on the same history, and ends with the same model', async () => {
    await killed(options(150), ({ phase, detail }) => phase === 'train' && detail.startsWith('epoch 6,'));
    expect(models()).toEqual(['fleet.checkpoint']);

    expect(await firstEpoch(options(152))).toBe('epoch 5');
    await run(options(150, 'whole'));
    expect(models()).toEqual(models('whole'));
    const [card] = models().filter((name) => name.endsWith('.json'));
    const { trained } = JSON.parse(readFileSync(join(folder, 'state/models', card ?? ''), 'utf8')) as {
      trained: { to: string };
    };
    expect(Date.parse(trained.to)).toBe(at(150));
  });

  it('starts again with another seed', async () => {
    await killed(options(150), ({ phase, detail }) => phase === 'train' && detail.startsWith('epoch 6,'));
    expect(await firstEpoch({ ...options(150), seed: 2 })).toBe('epoch 1');
  });

  it("retrains its own outdated model from its weights, and keeps the old one's files until learning ends", async () => {
    await run(options(100));
    const [before] = models();
    const aged = options(101);
    const { config } = aged;
    const old = { ...aged, config: { ...config, learning: { ...config.learning, retrain: MINUTE } } };
    const seen: string[][] = [];
    const loss = JSON.parse(readFileSync(join(folder, 'state/models', before ?? ''), 'utf8')) as {
      validation_loss: number;
    };
    const result = await run({ ...old, onProgress: () => void seen.push(models()) });
    expect(seen.every((names) => names.includes(before ?? ''))).toBe(true);
    expect(result.services).toBe(3);
    expect(result.validationLoss).toBeLessThan(1.5 * loss.validation_loss);
    expect(models()).not.toContain(before);
    expect(models()).toHaveLength(2);
    expect((await known(101)).model?.trainedToMs).toBe(at(101));
  });

  it('uses the old model and its profiles if learning was killed between its files', async () => {
    await run(options(100));
    const before = await known(100);
    await killed({ ...options(101), renew: 'model' }, ({ phase }) => phase === 'calibrate');
    // The new model is complete and newer, but the profiles belong to the old one.
    expect(models().filter((name) => name.endsWith('.onnx'))).toHaveLength(2);
    const after = await known(101);
    expect(after.model?.checksum).toBe(before.model?.checksum);
    expect(after.profiles).toEqual(before.profiles);
  });
});
