import { describe, expect, it } from 'vitest';
import { rankEvidence, rankRootCauses } from './root-cause.ts';
import type { FleetScores } from '../score-fleet.ts';
import { Identity } from '../../identity/identity.ts';
import { serviceKey } from '../../identity/service-key.ts';
import { ShardRanking } from './shard-ranking.ts';
import { owns } from '../../identity/shard.ts';

const name = (service: string) => ({ namespace: 'shop', service });
const key = (service: string) => serviceKey(name(service));
const SERVICES = ['front', 'cart', 'catalog', 'payment', 'stock', 'mail'];
const EVIDENCE: Readonly<Record<string, number>> = { front: 4, cart: 6, catalog: 9, stock: 1 };
const suspects = SERVICES.map((service) => ({ key: key(service), evidence: EVIDENCE[service] ?? 0.5 }));
const edge = (client: string, server: string, latency: number) => ({
  client: key(client),
  server: key(server),
  latency,
  failures: 0,
  failedShare: 0,
  responses: 0,
  counted: true,
});
const edges = [edge('front', 'cart', 40), edge('cart', 'catalog', 40), edge('catalog', 'stock', 0)];

/** What shard `index` of `count` knows: its own services, and the edges at them. */
function scoresOf(index: number, count: number, anomalous = true): FleetScores {
  const mine = (of: string) => SERVICES.some((service) => key(service) === of && owns({ index, count }, name(service)));
  const own = suspects.filter((suspect) => mine(suspect.key));
  const adjacent = edges.filter(({ client, server }) => mine(client) || mine(server));
  return {
    scores: own.map((suspect) => ({
      key: suspect.key,
      score: anomalous ? suspect.evidence / 5 : 0,
      untolerated: 0,
      shares: [],
      shifts: [],
    })),
    causes: rankRootCauses(own, adjacent, mine),
    states: new Map(),
    missing: 0,
    encodeMs: 0,
    inferenceMs: 0,
    rankMs: 0,
  };
}

/** Lets each shard read what all wrote at `timeMs`, as it comes from Prometheus. */
function exchange(shards: readonly ShardRanking[], written: ReturnType<ShardRanking['samples']>): void {
  for (const shard of shards) {
    for (const { name: series, labels, value, timestampMs } of written) {
      const taken = shard.take({
        labels: { __name__: series, ...labels },
        timestamps: Float64Array.of(timestampMs),
        values: Float64Array.of(value),
      });
      expect(taken).toBe(true);
    }
  }
}

describe('ShardRanking', () => {
  it.each([2, 3, 5])('ranks over %i shards as one scorer would', (count) => {
    const shards = Array.from({ length: count }, (_, index) => new ShardRanking({ index, count }, 60_000));
    const written = shards.flatMap((shard, index) => shard.samples(scoresOf(index, count), 60_000));
    exchange(shards, written);
    const ranked = shards.flatMap((shard, index) => shard.rank(scoresOf(index, count), 120_000));
    const alone = rankRootCauses(suspects, edges);
    expect([...ranked].sort((a, b) => a.rank - b.rank)).toEqual(alone);
    expect(ranked.reduce((sum, { blame }) => sum + blame, 0)).toBeCloseTo(1);
  });

  it('ranks in a shard that is calm itself while another has an incident, and no longer', () => {
    const shard = new ShardRanking({ index: 0, count: 2 }, 60_000);
    const calm = scoresOf(0, 2, false);
    expect(shard.rank(calm, 60_000)).toEqual([]);
    exchange([shard], new ShardRanking({ index: 1, count: 2 }, 60_000).samples(scoresOf(1, 2), 60_000));
    expect(shard.rank(calm, 120_000).length).toBeGreaterThan(0);
    // The other shard is calm again, and this one doesn't keep the incident alive by having ranked.
    exchange([shard], new ShardRanking({ index: 1, count: 2 }, 60_000).samples(scoresOf(1, 2, false), 120_000));
    expect(shard.rank(calm, 180_000)).toEqual([]);
  });

  it('ranks while a service is gone, although none that has a score is anomalous', () => {
    const calm = scoresOf(0, 2, false);
    const gone = [{ key: calm.scores[0]!.key, score: 3, since: 1, bits: 9 }];
    const shard = new ShardRanking({ index: 0, count: 2 }, 60_000);
    expect(shard.rank({ ...calm, gone }, 60_000).length).toBeGreaterThan(0);
    expect(shard.samples({ ...calm, gone }, 60_000)[0]).toMatchObject({ name: 'anomaly_incident_services', value: 1 });
  });

  it('forgets a shard that has fallen silent, and leaves out what it wrote itself and other series', () => {
    const [own, other] = [
      new ShardRanking({ index: 0, count: 2 }, 60_000),
      new ShardRanking({ index: 1, count: 2 }, 60_000),
    ];
    exchange([own], [...own.samples(scoresOf(0, 2), 60_000), ...other.samples(scoresOf(1, 2), 60_000)]);
    expect(own.rank(scoresOf(0, 2, false), 180_000)).toEqual([]);
    expect(own.rank(scoresOf(0, 2), 180_000)).toEqual(rankEvidence(scoresOf(0, 2).causes));
    const edgeSeries = { labels: { __name__: 'edge' }, timestamps: Float64Array.of(1), values: Float64Array.of(1) };
    expect(own.take(edgeSeries)).toBe(false);
  });

  it('ranks each cluster by itself, and none that has no incident in any shard', () => {
    const identity = new Identity(['cluster']);
    const of = (cluster: string, service: string) => serviceKey({ ...name(service), cluster });
    const scores = (services: Readonly<Record<string, number>>): FleetScores => ({
      ...scoresOf(0, 1),
      scores: Object.entries(services).map(([one, score]) => ({
        key: one,
        score,
        untolerated: 0,
        shares: [],
        shifts: [],
      })),
      causes: Object.entries(services).map(([one, score]) => ({ key: one, bits: 10 * score, blame: 0, rank: 0 })),
    });
    const [own, other] = [0, 1].map((index) => new ShardRanking({ index, count: 2 }, 60_000, identity));
    const mine = scores({ [of('a', 'cart')]: 0.5, [of('b', 'cart')]: 0.9, [of('c', 'cart')]: 3 });
    exchange([own!], other!.samples(scores({ [of('a', 'db')]: 5, [of('b', 'db')]: 0.2 }), 60_000));
    const ranked = own!.rank(mine, 120_000);
    expect(ranked.map(({ key: one, rank, blame }) => [one, rank, blame > 0.99])).toEqual([
      [of('a', 'cart'), 2, false],
      [of('c', 'cart'), 1, true],
    ]);
    expect(own!.samples(mine, 60_000).slice(0, 3)).toMatchObject(
      [
        ['a', 0],
        ['b', 0],
        ['c', 1],
      ].map(([cluster, value]) => ({ labels: { cluster, shard: '0' }, value })),
    );
  });
});
