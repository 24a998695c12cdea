import type { ScorerConfig } from '../../config.ts';
import type { FeatureSet } from '../../features/features.ts';
import { edgeEnds, serviceKey } from '../../identity/service-key.ts';
import type { Profile } from '../../scoring/profiles/profile.ts';
import { type EdgeScalings, type Profiles, saveProfiles } from '../../scoring/profiles/profiles-file.ts';

/** Time that an absent service keeps its profile; longer than a week, for weekly jobs. */
const RETENTION_MS = 8 * 86_400_000;

/** Profiles of services and scalings of edges, by key. */
export type CalibratedFleet = Pick<Profiles, 'services' | 'edges'>;
/** The model and the configuration that profiles belong to. */
export type ProfilesOrigin = Omit<Profiles, keyof CalibratedFleet>;

/**
 * @param model SHA-256 of the model that the profiles are calibrated with
 * @param toMs end of the history that they are learned from, milliseconds since the epoch
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

/** The profiles of one model, with their renewal and saving. */
export class ProfileStore {
  readonly #path: string;
  readonly #origin: ProfilesOrigin;
  readonly #services: Map<string, Profile>;
  readonly #edges: Map<string, EdgeScalings>;
  readonly #renewedServices = new Set<string>();
  readonly #renewedEdges = new Set<string>();

  /**
   * @param path file to save them in
   * @param known profiles that belong to the same model
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

  /** Numbers of services and edges that were added. */
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
   * Removes services that have been absent for 8 days, and edges that no longer exist: those of a renewed service that
   * weren't renewed, and those without a known service at either end.
   *
   * @param present keys of the services that exist
   * @param renewed keys of the services whose edges were all fetched again
   */
  forget(present: ReadonlySet<string>, renewed: ReadonlySet<string>): void {
    const { learnedAtMs, intervalMs } = this.#origin;
    for (const [key, { to }] of this.#services) {
      if (!present.has(key) && learnedAtMs - to * intervalMs > RETENTION_MS) this.#services.delete(key);
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
