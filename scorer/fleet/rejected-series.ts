import type { SeriesLabels } from '../identity/identity.ts';

/** Why the scorer can't use a series, and what to do. */
export const REJECTIONS = {
  duplicate:
    'several series have values for one service, feature and time, so the service is not scored: ' +
    'add the label that differs to identity.labels, or select one of its values by prometheus.matchers',
  no_identity: 'series lack the labels namespace and service, client_service and server_service, pod or endpoint',
  unknown_feature: 'series are of features that the features file does not have',
  too_many: 'there are more services, edges, pods or endpoints than a scorer takes: divide them among shards',
} as const;
export type Rejection = keyof typeof REJECTIONS;

export interface Rejected {
  readonly reason: Rejection;
  count: number;
  /** Labels of the first one. */
  readonly example: SeriesLabels;
}

/** The series that a fleet was given and couldn't use, since the last `take`. */
export class RejectedSeries {
  #rejected = new Map<Rejection, Rejected>();
  #partial: SeriesLabels | undefined;

  add(reason: Rejection, example: SeriesLabels): void {
    const known = this.#rejected.get(reason);
    if (known === undefined) this.#rejected.set(reason, { reason, count: 1, example });
    else known.count++;
  }

  /** A series that is used, although it lacks a label of the identity. */
  addPartial(example: SeriesLabels): void {
    this.#partial ??= example;
  }

  /** The first such series since the last call. */
  takePartial(): SeriesLabels | undefined {
    const partial = this.#partial;
    this.#partial = undefined;
    return partial;
  }

  take(): readonly Rejected[] {
    const taken = [...this.#rejected.values()];
    this.#rejected = new Map();
    return taken;
  }
}
