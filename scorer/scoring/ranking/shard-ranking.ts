import { EVIDENCE_SERIES, INCIDENT_SERIES } from '../../series.ts';
import type { RangeSeries } from '../../prometheus/client.ts';
import type { Sample } from '../../output/remote-write/sample.ts';
import { type Evidence, MAX_RANKED, rankEvidence, type RankedCause } from './root-cause.ts';
import type { FleetScores } from '../score-fleet.ts';
import { serviceKey, serviceName } from '../../identity/service-key.ts';
import type { ShardPlace } from '../../identity/shard.ts';

interface Received<T> {
  readonly timeMs: number;
  readonly value: T;
}

/**
 * Ranks the root causes of an incident across shards. Each shard computes the evidence against its own services, writes
 * that of its top services to Prometheus, and reads that of the other shards, one cycle old, together with the edges.
 * See docs/adr/0006-root-causes-across-shards.md.
 */
export class ShardRanking {
  readonly #place: ShardPlace;
  readonly #intervalMs: number;
  /** Shard -> number of its anomalous services. */
  readonly #incidents = new Map<string, Received<number>>();
  /** Service key -> the evidence that its shard wrote. */
  readonly #evidence = new Map<string, Received<Evidence>>();

  constructor(place: ShardPlace, intervalMs: number) {
    this.#place = place;
    this.#intervalMs = intervalMs;
  }

  /** Takes a series of another shard. Returns false, and ignores it, if it isn't one that shards exchange. */
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
   * Ranks this shard's services among those of all shards.
   *
   * @param own scores and causes of this shard, computed with `assumeIncident`
   * @returns this shard's services with their overall ranks; empty if no shard has an anomalous service
   */
  rank(own: FleetScores, timestampMs: number): readonly RankedCause[] {
    this.#forgetBefore(timestampMs - this.#intervalMs);
    const elsewhere = [...this.#incidents.values()].some(({ value }) => value > 0);
    if (!elsewhere && anomalous(own) === 0) return [];
    const keys = new Set(own.causes.map(({ key }) => key));
    const others = [...this.#evidence.values()].map(({ value }) => value).filter(({ key }) => !keys.has(key));
    return rankEvidence([...own.causes, ...others]).filter(({ key }) => keys.has(key));
  }

  /** The samples that this shard writes for the others. */
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
    for (const received of [this.#incidents, this.#evidence]) {
      for (const [key, entry] of received) if (entry.timeMs < timeMs) received.delete(key);
    }
  }
}

function anomalous({ scores, gone = [] }: FleetScores): number {
  return scores.filter(({ score }) => score > 1).length + gone.length;
}
