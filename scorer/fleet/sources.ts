import type { SeriesLabels } from '../identity/identity.ts';

/** Source numbers are words of 16 bits. */
const MAX_SOURCES = 65_535;

/**
 * Numbers the places that series come from, by their labels beyond those that are known. Two series of one service and
 * feature differ in such a label: in the cluster, if it isn't part of the identity, or in the replica that wrote them.
 */
export class Sources {
  readonly #known: ReadonlySet<string>;
  readonly #numbers = new Map<string, number>();

  /** @param known labels that each series of a service has */
  constructor(known: readonly string[]) {
    this.#known = new Set(['__name__', ...known]);
  }

  /** 0 for a series without further labels. */
  of(labels: SeriesLabels): number {
    let further = '';
    for (const label of Object.keys(labels)) {
      if (!this.#known.has(label)) further += `${label}=${labels[label]?.length}:${labels[label]},`;
    }
    if (further === '') return 0;
    const number = this.#numbers.get(further);
    if (number !== undefined) return number;
    // Labels that differ for each pod or request would fill the memory: numbers are given again.
    if (this.#numbers.size >= MAX_SOURCES) this.#numbers.clear();
    this.#numbers.set(further, this.#numbers.size + 1);
    return this.#numbers.size;
  }
}
