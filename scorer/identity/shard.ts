import { type ServiceName, serviceKey } from './service-key.ts';

/** One scorer's share of the fleet: services are spread over `count` scorers, numbered from 0. */
export interface ShardPlace {
  readonly index: number;
  readonly count: number;
}

export const WHOLE_FLEET: ShardPlace = { index: 0, count: 1 };

/** The ordinal at the end of a StatefulSet pod's name; undefined if there is none. */
export function hostOrdinal(host: string): number | undefined {
  const digits = /-(\d{1,6})$/.exec(host.split('.', 1)[0] ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** True if the service belongs to the shard. */
export function owns(shard: ShardPlace, name: ServiceName): boolean {
  return shard.count === 1 || shardOf(serviceKey(name), shard.count) === shard.index;
}

/**
 * The shard of a key by rendezvous hashing (Thaler and Ravishankar 1998): the one with the highest hash of key and
 * index. When a shard is added, only the services that it takes over move and are learned again.
 */
export function shardOf(key: string, count: number): number {
  const hash = fnv1a(key);
  let [best, highest] = [0, -1];
  for (let shard = 0; shard < count; shard++) {
    const weight = mix(hash ^ mix(shard + 1));
    if (weight > highest) [best, highest] = [shard, weight];
  }
  return best;
}

/** FNV-1a over UTF-16 units, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

/** MurmurHash3's finaliser: every bit of the input reaches every bit of the result. */
function mix(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
