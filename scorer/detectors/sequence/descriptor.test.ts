import { describe, expect, it } from 'vitest';
import { type FeatureSet, parseFeatures } from '../../features/features.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { instanceName, serviceName } from '../../identity/service-key.ts';
import { Random } from '../../numeric/random.ts';
import type { Detector, DetectorDescriptor, DetectorPast, Verdict } from '../detector.ts';
import { gruVae } from '../gru-vae/descriptor.ts';
import { lstmAutoencoder } from '../lstm-autoencoder/descriptor.ts';
import { detectorsSchema } from '../settings.ts';

const set = parseFeatures(
  'features.yaml',
  `
windows: [1m, 5m, 15m]
features: [{ name: request_latency, expr: 'a[$window]', scale: log, signal: latency, floor: 0.0002 }]
pods:
  - { name: cpu_cores, expr: 'b[$window]', scale: log, floor: 0.005 }
  - { name: memory_bytes, expr: 'c[$window]', scale: log, floor: 1048576 }
`,
);
const MINUTE = 60_000;
const LEARNED = 600;
const SERVICES = ['a', 'b', 'c', 'd', 'e', 'f'];

const settings = detectorsSchema.parse({
  gru_vae: {
    epochs: 6,
    patience: 6,
    tolerance: 4,
    tolerance_threshold: 0.75,
    subjects: { service: 'request_latency' },
  },
  lstm_autoencoder: { features: ['cpu_cores', 'memory_bytes'], epochs: 10 },
});

/** Services with daily curves and noise; `factor` says how much more than usual a service's feature is at a step. */
function fleetOf(steps: number, factor: (service: string, feature: string, step: number) => number = () => 1): Fleet {
  const fleet = new Fleet(set, MINUTE, steps + 1);
  const random = new Random(11);
  for (const [index, service] of SERVICES.entries()) {
    const level = 1 + index;
    const series = (feature: string, unit: number) => ({
      timestamps: Float64Array.from({ length: steps }, (_, i) => (i + 1) * MINUTE),
      values: Float64Array.from({ length: steps }, (_, i) => {
        const wave = 1 + 0.3 * Math.sin((i + 1) / 30 + index) + 0.05 * random.normal();
        return unit * level * wave * factor(service, feature, i + 1);
      }),
    });
    const labels = { namespace: 'shop', service };
    fleet.addService({
      labels: { ...labels, feature: 'request_latency', channel: 'red' },
      ...series('request_latency', 0.02),
    });
    for (const [feature, unit] of [
      ['cpu_cores', 0.2],
      ['memory_bytes', 1e8],
    ] as const) {
      fleet.addPod({ labels: { ...labels, pod: `${service}-0`, feature }, ...series(feature, unit) });
    }
  }
  return fleet;
}

function pastOf(fleet: Fleet, of: FeatureSet = set): DetectorPast {
  const services = [...fleet.services.keys()];
  // Deliberately one group a service: what is learned must not depend on how they are fetched.
  const groups = async function* () {
    yield fleet;
  };
  return { set: of, from: 1, to: LEARNED, minSteps: 60, services, groups, seed: 1 };
}

async function alarms(detector: Detector, fleet: Fleet, from: number, to: number): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const step of stepsBetween(from, to)) {
    for (const verdict of await detector.score({ set, fleet }, step)) {
      const name = verdict.kind === 'pod' ? instanceName(verdict.key).service : serviceName(verdict.key).service;
      if (verdict.score > 1) found.set(name, (found.get(name) ?? 0) + 1);
    }
  }
  return found;
}

describe('gru_vae', () => {
  it('learns response times, finds the service that gets slow within its tolerance, and no other', async () => {
    const start = LEARNED + 30;
    const fleet = fleetOf(LEARNED + 60, (service, _, step) => (service === 'c' && step > start ? 4 : 1));
    const learned = await gruVae.learn(pastOf(fleet), settings.gru_vae!);
    const detector = await gruVae.open(learned, settings.gru_vae!, set);
    const found = await alarms(detector, fleet, start, start + 20);
    expect([...found.keys()]).toEqual(['c']);
    expect(found.get('c')).toBeGreaterThan(12);
    const verdicts = await detector.score({ set, fleet }, start + 25);
    const [loud] = verdicts.filter(({ score }) => score > 1);
    expect(loud).toMatchObject({ kind: 'service', shares: [{ feature: 'request_latency', share: 1 }] });
    expect(loud!.interval!.from).toBeGreaterThan(start);
    expect(loud!.interval!.from).toBeLessThan(start + 6);
    await detector.close();
  }, 60_000);

  it('says the same after a restart, from the past alone', async () => {
    const fleet = fleetOf(LEARNED + 60);
    const learned = await gruVae.learn(pastOf(fleet), settings.gru_vae!);
    const [running, restarted] = [
      await gruVae.open(learned, settings.gru_vae!, set),
      await gruVae.open(learned, settings.gru_vae!, set),
    ];
    let last: readonly Verdict[] = [];
    for (const step of stepsBetween(LEARNED + 1, LEARNED + 20)) last = await running.score({ set, fleet }, step);
    const fresh = await restarted.score({ set, fleet }, LEARNED + 20);
    expect(fresh.map(({ key, score }) => [key, score.toFixed(4)])).toEqual(
      last.map(({ key, score }) => [key, score.toFixed(4)]),
    );
    await Promise.all([running.close(), restarted.close()]);
  }, 60_000);
});

describe('lstm_autoencoder', () => {
  it('learns container metrics by pod and names the metric that is off', async () => {
    const start = LEARNED + 30;
    const fleet = fleetOf(LEARNED + 60, (service, feature, step) =>
      service === 'b' && feature === 'memory_bytes' && step > start ? 3 : 1,
    );
    const learned = await lstmAutoencoder.learn(pastOf(fleet), settings.lstm_autoencoder!);
    const detector = await lstmAutoencoder.open(learned, settings.lstm_autoencoder!, set);
    const found = await alarms(detector, fleet, start + 1, start + 20);
    expect(found.get('b')).toBeGreaterThan(15);
    const others = [...found].filter(([service]) => service !== 'b').reduce((sum, [, count]) => sum + count, 0);
    expect(others).toBeLessThanOrEqual(2);
    const verdicts = await detector.score({ set, fleet }, start + 10);
    const loudest = verdicts.reduce((a, b) => (a.score > b.score ? a : b));
    expect(loudest).toMatchObject({ kind: 'pod', shares: [{ feature: 'memory_bytes' }, { feature: 'cpu_cores' }] });
    await detector.close();
  }, 60_000);
});

describe('what was learned', () => {
  it('is refused with other settings, other features, or spoiled', async () => {
    const fleet = fleetOf(LEARNED);
    const quick = { ...settings.gru_vae!, epochs: 1 };
    const learned = await gruVae.learn(pastOf(fleet), quick);
    const open = (bytes: Uint8Array, more: object = {}, of = set) => gruVae.open(bytes, { ...quick, ...more }, of);
    await expect(open(learned, { hidden: 8 })).rejects.toThrow('it was learned with other settings');
    await expect(open(learned, {}, { ...set, features: [] })).rejects.toThrow('it was learned on other features');
    await expect(open(learned.slice(0, 200))).rejects.toThrow('it is not JSON');
  }, 60_000);

  it.each<[string, DetectorDescriptor, object]>([
    ['gru_vae', gruVae, settings.gru_vae!],
    ['lstm_autoencoder', lstmAutoencoder, settings.lstm_autoencoder!],
  ])('of %s needs history and features', async (_, descriptor, of) => {
    const empty = new Fleet(set, MINUTE, 10);
    await expect(descriptor.learn(pastOf(empty), of as never)).rejects.toThrow('enough history');
    const without = { ...set, features: [], pods: [] };
    await expect(descriptor.learn(pastOf(empty, without), of as never)).rejects.toThrow('none of the features');
  });
});
