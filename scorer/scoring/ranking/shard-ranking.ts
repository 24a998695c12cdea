import { EVIDENCE_SERIES, INCIDENT_SERIES } from '../../series.ts';
import type { RangeSeries } from '../../prometheus/client.ts';
import type { Sample } from '../../output/remote-write/sample.ts';
import { type Evidence, rankEvidence, type RankedCause } from './root-cause.ts';
import type { FleetScores } from '../score-fleet.ts';
import { Identity } from '../../identity/identity.ts';
import { scopeLabels, scopeOf, serviceKey, serviceName } from '../../identity/service-key.ts';
import type { ShardPlace } from '../../identity/shard.ts';

interface Received<T> {
  readonly timeMs: number;
  readonly value: T;
}

/**
 * Ranks the root causes of an incident across shards. Each shard computes the evidence against its own services, writes
 * that of its top services to Prometheus, and reads that of the other shards, one cycle old, together with the edges.
 * See docs/adr/scorer/0006-root-causes-across-shards.md.
 */
export class ShardRanking {
  readonly #place: ShardPlace;
  readonly #intervalMs: number;
  readonly #identity: Identity;
  /** Shard and scope -> number of anomalous services. */
  readonly #incidents = new Map<string, Received<{ readonly scope: string; readonly anomalous: number }>>();
  /** Service key -> the evidence that its shard wrote. */
  readonly #evidence = new Map<string, Received<Evidence>>();

  constructor(place: ShardPlace, intervalMs: number, identity: Identity = new Identity()) {
    this.#place = place;
    this.#intervalMs = intervalMs;
    this.#identity = identity;
  }

  /** Takes a series of another shard. Returns false, and ignores it, if it isn't one that shards exchange. */
  take({ labels, timestamps, values }: RangeSeries): boolean {
    const { __name__: name, shard } = labels;
    if (name !== EVIDENCE_SERIES && name !== INCIDENT_SERIES) return false;
    const [timeMs, value] = [timestamps.at(-1), values.at(-1)];
    if (timeMs === undefined || value === undefined || shard === undefined) return true;
    if (shard === String(this.#place.index)) return true;
    if (name === INCIDENT_SERIES) {
      const scope = scopeOf(serviceKey(this.#identity.place(labels)));
      this.#incidents.set(JSON.stringify([shard, scope]), { timeMs, value: { scope, anomalous: value } });
      return true;
    }
    const service = this.#identity.service(labels);
    if (service === undefined) return true;
    const key = serviceKey(service);
    this.#evidence.set(key, { timeMs, value: { key, bits: value } });
    return true;
  }

  /**
   * Ranks this shard's services among those of all shards.
   *
   * @param own scores and causes of this shard, computed with `assumeIncident`
   * @returns this shard's services with their overall ranks in each scope in which any shard has an anomalous service
   */
  rank(own: FleetScores, timestampMs: number): readonly RankedCause[] {
    this.#forgetBefore(timestampMs - this.#intervalMs);
    const incidents = new Set(anomalousOf(own).map(scopeOf));
    for (const { value } of this.#incidents.values()) if (value.anomalous > 0) incidents.add(value.scope);
    if (incidents.size === 0) return [];
    const keys = new Set(own.causes.map(({ key }) => key));
    const others = [...this.#evidence.values()].map(({ value }) => value).filter(({ key }) => !keys.has(key));
    const ranked = rankEvidence([...own.causes, ...others]);
    return ranked.filter(({ key }) => keys.has(key) && incidents.has(scopeOf(key)));
  }

  /** The samples that this shard writes for the others. */
  samples(own: FleetScores, timestampMs: number): Sample[] {
    const shard = String(this.#place.index);
    const evidence = own.causes.filter(({ bits }) => bits > 0);
    const anomalous = new Map<string, number>(own.scores.map(({ key }) => [scopeOf(key), 0]));
    // A shard without any score says so, too.
    if (anomalous.size === 0) anomalous.set('', 0);
    for (const key of anomalousOf(own)) anomalous.set(scopeOf(key), (anomalous.get(scopeOf(key)) ?? 0) + 1);
    return [
      ...[...anomalous].map(([scope, value]) => ({
        name: INCIDENT_SERIES,
        labels: { ...scopeLabels(scope), shard },
        value,
        timestampMs,
      })),
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

/** The keys of the anomalous services, and of those that are gone. */
function anomalousOf({ scores, gone = [] }: FleetScores): string[] {
  return [...scores.flatMap(({ key, score }) => (score > 1 ? [key] : [])), ...gone.map(({ key }) => key)];
}
