import type { Profile } from '../scoring/profile.ts';
import type { HistoryOptions } from '../fleet/past.ts';
import { modelPaths } from '../paths.ts';
import { type EdgeScalings, type Profiles, saveProfiles } from '../scoring/profiles-file.ts';
import { edgeEnds, serviceKey } from '../identity/service-key.ts';

/** A service that isn't there keeps its profile for so long, for jobs that run once a week. */
const REMEMBERED_MS = 8 * 86_400_000;

/** The profiles as a learning fills and renews them. */
export class Learned {
  readonly services: Map<string, Profile>;
  readonly edges: Map<string, EdgeScalings>;
  /** Keys of what this learning learned. */
  readonly newServices = new Set<string>();
  readonly newEdges = new Set<string>();
  readonly #options: HistoryOptions;
  readonly #model: string;

  /**
   * @param model checksum of the model that it is all learned with
   * @param known profiles that go with it
   */
  constructor(options: HistoryOptions, model: string, known: Profiles | undefined) {
    this.#options = options;
    this.#model = model;
    this.services = new Map(known?.services);
    this.edges = new Map(known?.edges);
  }

  add(services: ReadonlyMap<string, Profile>, edges: ReadonlyMap<string, EdgeScalings>): void {
    for (const [key, profile] of services) {
      this.services.set(key, profile);
      this.newServices.add(key);
    }
    for (const [key, scalings] of edges) {
      this.edges.set(key, scalings);
      this.newEdges.add(key);
    }
  }

  /**
   * Forgets services that have long been gone, and edges that are: those of services whose edges were all learned anew,
   * and those without an end that is known.
   */
  forget(there: ReadonlySet<string>, renewed: ReadonlySet<string>): void {
    const { config, toMs } = this.#options;
    for (const [key, { to }] of this.services) {
      if (!there.has(key) && toMs - to * config.interval > REMEMBERED_MS) this.services.delete(key);
    }
    for (const key of this.edges.keys()) {
      const ends = Object.values(edgeEnds(key)).map(serviceKey);
      const gone = ends.some((end) => renewed.has(end)) && !this.newEdges.has(key);
      if (gone || !ends.some((end) => this.services.has(end))) this.edges.delete(key);
    }
  }

  async save(): Promise<void> {
    const { config, set, toMs } = this.#options;
    await saveProfiles(modelPaths(config).profiles, {
      model: this.#model,
      features: set.features.map(({ name }) => name),
      edgeFeatures: set.edges.map(({ name }) => name),
      windowsMs: set.windows,
      steps: config.steps,
      intervalMs: config.interval,
      learnedAtMs: toMs,
      services: this.services,
      edges: this.edges,
    });
  }
}
