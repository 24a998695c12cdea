import type { Fleet } from '../../fleet/fleet.ts';
import { instanceName, podKey, serviceKey } from '../../identity/service-key.ts';
import { type Detector, type DetectorInput, largestFeatureShares, type Verdict } from '../detector.ts';
import { differences, groupDifference, type Instance } from './differences.ts';
import { instanceErrors, type InstanceModel } from './learn.ts';

export interface InstanceSettings {
  /** Steps that a new instance isn't judged for: windows of rates fill, caches and compilers warm up. */
  readonly warm_up: number;
}

/** How unlike the version before it a version behaves. */
export interface VersionVerdict {
  /** Key of the service. */
  readonly service: string;
  readonly version: string;
  /** 1 at the threshold. */
  readonly score: number;
}

/** A service's pods, by the key of the service. */
export function instancesByService(pods: Fleet['pods']): Map<string, Instance[]> {
  const services = new Map<string, Instance[]>();
  for (const [key, history] of pods) {
    const service = serviceKey(instanceName(key));
    const instances = services.get(service);
    if (instances === undefined) services.set(service, [{ key, history }]);
    else instances.push({ key, history });
  }
  return services;
}

/**
 * Compares the instances of each service with each other at one step: a bad replica, a canary or an old version that behaves
 * differently is an outlier among them (point anomalies of Kohyarnejadfard, Aloise and Dagenais).
 */
export class InstanceOutlier implements Detector {
  readonly name = 'instance_outlier';
  readonly reach: number;
  readonly #settings: InstanceSettings;
  readonly #models: Readonly<Record<string, InstanceModel>>;

  /** @param models by the key of the service */
  constructor(settings: InstanceSettings, models: Readonly<Record<string, InstanceModel>>) {
    this.reach = settings.warm_up;
    this.#settings = settings;
    this.#models = models;
  }

  async score({ set, fleet }: DetectorInput, step: number): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = [];
    const names = set.pods.map(({ name }) => name);
    for (const { model, instances } of this.#judged(fleet, step)) {
      const differ = differences(set.pods, instances, step);
      for (const [index, { key }] of instances.entries()) {
        const errors = instanceErrors(model, differ[index]!);
        const worst = Math.max(...errors.filter(Number.isFinite));
        if (!Number.isFinite(worst)) continue;
        verdicts.push({
          kind: 'pod',
          key,
          score: worst / model.threshold,
          shares: largestFeatureShares(names, errors),
        });
      }
    }
    return verdicts;
  }

  /**
   * Compares each service's newer versions with the oldest that still runs: medians over their pods, in the service's own
   * spreads. A service with one version has none.
   */
  scoreVersions({ set, fleet }: DetectorInput, step: number): VersionVerdict[] {
    return [...this.#judged(fleet, step)]
      .flatMap(({ service, model, instances }) => {
        const [oldest, ...newer] = byAge(instances, fleet.versions);
        if (oldest === undefined) return [];
        return newer.map(({ version, instances: own }) => {
          const differ = set.pods.map((feature, column) =>
            groupDifference(feature, valuesOf(own, column, step), valuesOf(oldest.instances, column, step)),
          );
          const errors = differ
            .map((value, column) => Math.abs(value) / model.spreads[column]!)
            .filter(Number.isFinite);
          return { service, version, score: errors.length === 0 ? NaN : Math.max(...errors) / model.threshold };
        });
      })
      .filter(({ score }) => Number.isFinite(score));
  }

  async close(): Promise<void> {}

  /** The learned services with their instances that are there at `step` and warm. */
  *#judged(
    fleet: Fleet,
    step: number,
  ): Generator<{ readonly service: string; readonly model: InstanceModel; readonly instances: readonly Instance[] }> {
    for (const [service, all] of instancesByService(fleet.pods)) {
      const model = this.#models[service];
      const instances = all.filter(
        ({ history }) => history.observed(step) > 0 && history.oldest <= step - this.#settings.warm_up,
      );
      if (model !== undefined && instances.length > 0) yield { service, model, instances };
    }
  }
}

interface VersionGroup {
  readonly version: string;
  readonly instances: readonly Instance[];
}

/** The versions of a service, the one whose first pod is the oldest first. */
function byAge(instances: readonly Instance[], versions: Fleet['versions']): VersionGroup[] {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const name = instanceName(instance.key);
    const version = versions.get(podKey(name, name.instance));
    if (version === undefined) continue;
    groups.set(version, [...(groups.get(version) ?? []), instance]);
  }
  const born = (of: readonly Instance[]) => Math.min(...of.map(({ history }) => history.oldest));
  return [...groups]
    .map(([version, of]) => ({ version, instances: of }))
    .sort((a, b) => born(a.instances) - born(b.instances));
}

function valuesOf(instances: readonly Instance[], column: number, step: number): number[] {
  return instances.map(({ history }) => history.get(step, column)).filter(Number.isFinite);
}
