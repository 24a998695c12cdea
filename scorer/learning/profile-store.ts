import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { edgeEnds, serviceKey } from '../identity/service-key.ts';
import type { Profile } from '../scoring/profile.ts';
import { type EdgeScalings, type Profiles, saveProfiles } from '../scoring/profiles-file.ts';

/** A service that isn't there keeps its profile for so long, for jobs that run once a week. */
const REMEMBERED_MS = 8 * 86_400_000;

/** Profiles of services and scalings of edges, by their keys. */
export type CalibratedFleet = Pick<Profiles, 'services' | 'edges'>;
/** What profiles go with. */
export type ProfilesOrigin = Omit<Profiles, keyof CalibratedFleet>;

/**
 * @param model checksum of the model that all profiles are calibrated with
 * @param toMs end of the history that they are learned from
 */
export function profilesOrigin(
  { interval, steps }: Pick<ScorerConfig, 'interval' | 'steps'>,
  set: FeatureSet,
  model: string,
  toMs: number,
): ProfilesOrigin {
  return {
    model,
    features: set.features.map(({ name }) => name),
    edgeFeatures: set.edges.map(({ name }) => name),
    windowsMs: set.windows,
    steps,
    intervalMs: interval,
    learnedAtMs: toMs,
  };
}

/** The profiles of a model as they are renewed and saved. */
export class ProfileStore {
  readonly #path: string;
  readonly #origin: ProfilesOrigin;
  readonly #services: Map<string, Profile>;
  readonly #edges: Map<string, EdgeScalings>;
  readonly #renewedServices = new Set<string>();
  readonly #renewedEdges = new Set<string>();

  /**
   * @param path file that they are saved in
   * @param known profiles that go with the same model
   */
  constructor(path: string, origin: ProfilesOrigin, known?: CalibratedFleet) {
    this.#path = path;
    this.#origin = origin;
    this.#services = new Map(known?.services);
    this.#edges = new Map(known?.edges);
  }

  get isEmpty(): boolean {
    return this.#services.size === 0;
  }

  /** How many services and edges were added. */
  get renewed(): { readonly services: number; readonly edges: number } {
    return { services: this.#renewedServices.size, edges: this.#renewedEdges.size };
  }

  add({ services, edges }: CalibratedFleet): void {
    for (const [key, profile] of services) {
      this.#services.set(key, profile);
      this.#renewedServices.add(key);
    }
    for (const [key, scalings] of edges) {
      this.#edges.set(key, scalings);
      this.#renewedEdges.add(key);
    }
  }

  /**
   * Forgets services that have long been gone, and edges that are: those of services whose edges were all renewed, and those
   * without an end that is known.
   */
  forget(there: ReadonlySet<string>, renewed: ReadonlySet<string>): void {
    const { learnedAtMs, intervalMs } = this.#origin;
    for (const [key, { to }] of this.#services) {
      if (!there.has(key) && learnedAtMs - to * intervalMs > REMEMBERED_MS) this.#services.delete(key);
    }
    for (const key of this.#edges.keys()) {
      const ends = Object.values(edgeEnds(key)).map(serviceKey);
      const gone = ends.some((end) => renewed.has(end)) && !this.#renewedEdges.has(key);
      if (gone || !ends.some((end) => this.#services.has(end))) this.#edges.delete(key);
    }
  }

  async save(): Promise<void> {
    await saveProfiles(this.#path, { ...this.#origin, services: this.#services, edges: this.#edges });
  }
}
