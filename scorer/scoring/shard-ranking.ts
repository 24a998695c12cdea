import { EVIDENCE_SERIES, INCIDENT_SERIES } from '../series.ts';
import type { RangeSeries } from '../prometheus/client.ts';
import type { Sample } from '../output/remote-write/sample.ts';
import { type Evidence, MAX_RANKED, rankEvidence, type RankedCause } from './root-cause.ts';
import type { FleetScores } from './score-fleet.ts';
import { serviceKey, serviceName } from '../identity/service-key.ts';
import type { ShardPlace } from '../identity/shard.ts';

interface Told<T> {
  readonly timeMs: number;
  readonly value: T;
}

/**
 * Ranks an incident that spans shards. The evidence against a service needs its own signals and the edges at it, which its
 * shard has; only its place among all others needs theirs. So each shard writes the evidence against its most suspect services,
 * and reads what the others wrote one cycle before along with the edges (docs/adr/0006-root-causes-across-shards.md).
 */
export class ShardRanking {
  readonly #place: ShardPlace;
  readonly #intervalMs: number;
  /** Shard -> how many of its services are anomalous. */
  readonly #incidents = new Map<string, Told<number>>();
  readonly #evidence = new Map<string, Told<Evidence>>();

  constructor(place: ShardPlace, intervalMs: number) {
    this.#place = place;
    this.#intervalMs = intervalMs;
  }

  /** Takes a series of another shard; returns whether it was one of the series that shards tell each other. */
  take({ labels, timestamps, values }: RangeSeries): boolean {
    const { __name__: name, shard, namespace, service } = labels;
    if (name !== EVIDENCE_SERIES && name !== INCIDENT_SERIES) return false;
    const [timeMs, value] = [timestamps.at(-1), values.at(-1)];
    if (timeMs === undefined || value === undefined || shard === undefined) return true;
    if (shard === String(this.#place.index)) return true;
    if (name === INCIDENT_SERIES) this.#incidents.set(shard, { timeMs, value });
    else if (namespace !== undefined && service !== undefined) {
      const key = serviceKey({ namespace, service });
      this.#evidence.set(key, { timeMs, value: { key, bits: value } });
    }
    return true;
  }

  /**
   * @param own scores of this shard's services, and its causes as if there were an incident
   * @returns this shard's services with their places among all, none without an incident anywhere
   */
  rank(own: FleetScores, timestampMs: number): readonly RankedCause[] {
    this.#forgetBefore(timestampMs - this.#intervalMs);
    const elsewhere = [...this.#incidents.values()].some(({ value }) => value > 0);
    if (!elsewhere && anomalous(own) === 0) return [];
    const keys = new Set(own.causes.map(({ key }) => key));
    const others = [...this.#evidence.values()].map(({ value }) => value).filter(({ key }) => !keys.has(key));
    return rankEvidence([...own.causes, ...others]).filter(({ key }) => keys.has(key));
  }

  /** What the other shards have to know of this one, at `timestampMs`. */
  samples(own: FleetScores, timestampMs: number): Sample[] {
    const shard = String(this.#place.index);
    const evidence = own.causes.slice(0, MAX_RANKED).filter(({ bits }) => bits > 0);
    return [
      { name: INCIDENT_SERIES, labels: { shard }, value: anomalous(own), timestampMs },
      ...evidence.map(({ key, bits }) => ({
        name: EVIDENCE_SERIES,
        labels: { ...serviceName(key), shard },
        value: bits,
        timestampMs,
      })),
    ];
  }

  #forgetBefore(timeMs: number): void {
    for (const told of [this.#incidents, this.#evidence]) {
      for (const [key, entry] of told) if (entry.timeMs < timeMs) told.delete(key);
    }
  }
}

function anomalous({ scores }: FleetScores): number {
  return scores.filter(({ score }) => score > 1).length;
}
