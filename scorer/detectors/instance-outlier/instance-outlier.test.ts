import { describe, expect, it } from 'vitest';
import { parseFeatures } from '../../features/features.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { instanceKey, instanceName, serviceKey } from '../../identity/service-key.ts';
import { Random } from '../../numeric/random.ts';
import { InstanceOutlier, instancesByService } from './instance-outlier.ts';
import { learnInstances } from './learn.ts';

const set = parseFeatures(
  'features.yaml',
  `
windows: [1m, 5m, 15m]
features: [{ name: up, expr: 'up[$window]', scale: ratio }]
pods:
  - { name: latency, expr: 'a[$window]', scale: log, signal: latency, floor: 0.001 }
  - { name: cpu, expr: 'b[$window]', scale: log, floor: 0.005 }
  - { name: failed, expr: 'c[$window]', scale: ratio, signal: errors }
  - { name: memory, expr: 'd[$window]', scale: log, floor: 1048576 }
`,
);
const USUAL = [0.02, 0.3, 0.001, 2e8];
const FEATURES = ['latency', 'cpu', 'failed', 'memory'];
const MINUTE = 60_000;
const CART = { namespace: 'shop', service: 'cart' };

/** How a pod's features differ from the usual at a step: a factor each. */
type Behaviour = (pod: number, step: number) => readonly number[];

/** A service's pods over `steps`, all following the same load, with noise of 5 % of their own. */
function fleetOf(pods: number, steps: number, behaviour: Behaviour = () => [1, 1, 1, 1], seed = 1): Fleet {
  const random = new Random(seed);
  const fleet = new Fleet(set, MINUTE, steps + 1);
  const load = Array.from({ length: steps + 1 }, (_, step) => 1 + 0.5 * Math.sin(step / 40) + 0.1 * random.normal());
  for (let pod = 0; pod < pods; pod++) {
    for (const [column, feature] of FEATURES.entries()) {
      const timestamps = Float64Array.from({ length: steps }, (_, index) => (index + 1) * MINUTE);
      const values = Float64Array.from({ length: steps }, (_, index) => {
        const factor = behaviour(pod, index + 1)[column]!;
        return USUAL[column]! * load[index + 1]! * Math.exp(0.05 * random.normal()) * factor;
      });
      fleet.addPod({ labels: { ...CART, pod: `cart-${pod}`, feature }, timestamps, values });
    }
  }
  return fleet;
}

function learn(fleet: Fleet, until: number): InstanceOutlier {
  const models = [...instancesByService(fleet.pods)].flatMap(([key, instances]) => {
    const model = learnInstances(set.pods, instances, stepsBetween(1, until));
    return model === undefined ? [] : [[key, model] as const];
  });
  return new InstanceOutlier({ warm_up: 3 }, Object.fromEntries(models));
}

async function blamed(detector: InstanceOutlier, fleet: Fleet, from: number, to: number): Promise<Map<string, number>> {
  const alarms = new Map<string, number>();
  for (const step of stepsBetween(from, to)) {
    for (const { key, score } of await detector.score({ set, fleet }, step)) {
      if (score > 1) alarms.set(instanceName(key).instance, (alarms.get(instanceName(key).instance) ?? 0) + 1);
    }
  }
  return alarms;
}

describe('InstanceOutlier', () => {
  const LEARNED = 300;

  it.each([
    ['latency', [2, 1, 1, 1], 5],
    ['cpu', [1, 2, 1, 1], 5],
    ['errors', [1, 1, 200, 1], 5],
    ['memory', [1, 1, 1, 2], 5],
    ['latency, of three', [2, 1, 1, 1], 3],
    ['cpu, of four', [1, 2, 1, 1], 4],
  ])('finds the one that differs in %s at once, and blames no other', async (_, factors, pods) => {
    const broken = 1;
    const fleet = fleetOf(pods, LEARNED + 60, (pod, step) =>
      pod === broken && step > LEARNED ? factors : [1, 1, 1, 1],
    );
    const detector = learn(fleet, LEARNED);
    expect(await blamed(detector, fleet, LEARNED + 1, LEARNED + 60)).toEqual(new Map([[`cart-${broken}`, 60]]));
    const [first] = (await detector.score({ set, fleet }, LEARNED + 5)).filter(({ score }) => score > 1);
    expect(first!.shares[0]!.feature).toBe(FEATURES[factors.findIndex((factor) => factor !== 1)]);
  });

  it('finds none in an hour without, for many services', async () => {
    for (let seed = 10; seed < 40; seed++) {
      const fleet = fleetOf(5, LEARNED + 60, undefined, seed);
      expect(await blamed(learn(fleet, LEARNED), fleet, LEARNED + 1, LEARNED + 60)).toEqual(new Map());
    }
  });

  it('follows a load that all instances share', async () => {
    const fleet = fleetOf(5, LEARNED + 60, (_, step) => (step > LEARNED ? [3, 4, 1, 1.5] : [1, 1, 1, 1]));
    expect(await blamed(learn(fleet, LEARNED), fleet, LEARNED + 1, LEARNED + 60)).toEqual(new Map());
  });

  it('stays quiet where instances differ for good, also when they change roles, and sees what is new there', async () => {
    const leader = (pod: number, step: number) => pod === (step > LEARNED + 20 ? 2 : 0);
    const behaviour: Behaviour = (pod, step) => {
      if (pod === 4 && step > LEARNED + 40) return [1, 2, 1, 1];
      return leader(pod, step) ? [1.5, 4, 1, 3] : [1, 1, 1, 1];
    };
    const fleet = fleetOf(5, LEARNED + 60, behaviour);
    const detector = learn(fleet, LEARNED);
    expect(await blamed(detector, fleet, LEARNED + 1, LEARNED + 40)).toEqual(new Map());
    expect(await blamed(detector, fleet, LEARNED + 41, LEARNED + 60)).toEqual(new Map([['cart-4', 20]]));
  });

  it('says nothing of two instances, nor of one that has just started', async () => {
    const two = fleetOf(2, LEARNED + 10, (pod, step) => (pod === 1 && step > LEARNED ? [9, 9, 1, 1] : [1, 1, 1, 1]));
    expect(
      learnInstances(set.pods, instancesByService(two.pods).get(serviceKey(CART))!, stepsBetween(1, LEARNED)),
    ).toBe(undefined);
    const fleet = fleetOf(5, LEARNED + 10);
    const detector = learn(fleet, LEARNED);
    const start = LEARNED + 5;
    for (const [column, feature] of FEATURES.entries()) {
      const timestamps = Float64Array.from({ length: 6 }, (_, index) => (start + index) * MINUTE);
      const values = timestamps.map(() => 5 * USUAL[column]!);
      fleet.addPod({ labels: { ...CART, pod: 'cart-new', feature }, timestamps, values });
    }
    const scores = async (step: number) =>
      new Map(
        (await detector.score({ set, fleet }, step)).map(({ key, score }) => [instanceName(key).instance, score]),
      );
    expect((await scores(start + 2)).has('cart-new')).toBe(false);
    expect((await scores(start + 3)).get('cart-new')).toBeGreaterThan(1);
  });
});

describe('scoreVersions', () => {
  it('blames the newer version for what its pods have in common, however many they are', async () => {
    const canary = (pods: readonly number[], factor: number) =>
      fleetOf(4, 400, (pod, step) => (pods.includes(pod) && step > 300 ? [factor, 1, 1, 1] : [1, 1, 1, 1]));
    const tellVersions = (fleet: Fleet, newer: readonly number[]) => {
      for (let pod = 0; pod < 4; pod++) {
        const labels = { namespace: 'shop', pod: `cart-${pod}`, version: newer.includes(pod) ? 'v2' : 'v1' };
        fleet.addVersion({ labels, timestamps: new Float64Array(), values: new Float64Array() });
      }
    };
    for (const newer of [[3], [2, 3], [1, 2, 3]]) {
      const slow = canary(newer, 2);
      // Pods of one name over time stand for the old and the new ones: their age follows from when they were first seen.
      for (const pod of newer) makeYoung(slow, pod, 250);
      tellVersions(slow, newer);
      const verdicts = learn(slow, 300).scoreVersions({ set, fleet: slow }, 350);
      expect(verdicts).toHaveLength(1);
      expect(verdicts[0]).toMatchObject({ service: serviceKey(CART), version: 'v2' });
      expect(verdicts[0]!.score).toBeGreaterThan(1);
      const same = canary(newer, 1);
      for (const pod of newer) makeYoung(same, pod, 250);
      tellVersions(same, newer);
      expect(learn(same, 300).scoreVersions({ set, fleet: same }, 350)[0]!.score).toBeLessThan(1);
    }
  });

  it('has nothing to say of a single version', async () => {
    const fleet = fleetOf(4, 400);
    for (let pod = 0; pod < 4; pod++) {
      const labels = { namespace: 'shop', pod: `cart-${pod}`, version: 'v1' };
      fleet.addVersion({ labels, timestamps: new Float64Array(), values: new Float64Array() });
    }
    expect(learn(fleet, 300).scoreVersions({ set, fleet }, 350)).toEqual([]);
  });

  /** Makes a pod appear at `step`. */
  function makeYoung(fleet: Fleet, pod: number, step: number): void {
    const key = instanceKey(CART, `cart-${pod}`);
    const old = fleet.pods.get(key)!;
    fleet.pods.delete(key);
    for (const [column, feature] of FEATURES.entries()) {
      const steps = stepsBetween(step, 400);
      fleet.addPod({
        labels: { ...CART, pod: `cart-${pod}`, feature },
        timestamps: Float64Array.from(steps, (at) => at * MINUTE),
        values: Float64Array.from(steps, (at) => old.get(at, column)),
      });
    }
  }
});
