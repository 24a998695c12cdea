import type { Draws } from '../topology/draws.ts';
import type { Topology } from '../topology/topology.ts';
import type { Trouble } from './fault.ts';

const HOUR = 3600;
const MINUTE = 60;
const DAY = 24 * HOUR;

/** What happens in a shop and is no fault. Times are seconds since the start of the recording, a midnight. */
export interface Events {
  /** Replicas are replaced one after another. */
  readonly deploys: readonly { readonly service: string; readonly at: number }[];
  /** All of a cache's entries expire at once. */
  readonly expiries: readonly { readonly cache: string; readonly at: number }[];
  /** An entry has more visitors. */
  readonly bursts: readonly {
    readonly entry: string;
    readonly from: number;
    readonly to: number;
    readonly factor: number;
  }[];
  /** A database is copied each night. */
  readonly backups: readonly Trouble[];
}

/** Draws the events of a recording of this length, seconds. */
export function drawEvents(draws: Draws, { services }: Topology, lasting: number): Events {
  const of = (...kinds: readonly string[]) => services.filter(({ kind }) => kinds.includes(kind));
  const days = lasting / DAY;
  const times = (each: number) =>
    Array.from({ length: Math.round(each * days) }, () => Math.round(draws.between(0, lasting)));
  return {
    deploys: of('entry', 'service', 'worker').flatMap(({ name }) =>
      draws.happens(0.4) ? times(1).map((at) => ({ service: name, at })) : [],
    ),
    expiries: of('cache').flatMap(({ name }) => {
      const [first, every] = [draws.between(0, 3) * HOUR, draws.between(2, 6) * HOUR];
      return Array.from({ length: Math.max(0, Math.ceil((lasting - first) / every)) }, (_, index) => ({
        cache: name,
        at: Math.round(first + index * every),
      }));
    }),
    bursts: of('entry').flatMap(({ name }) =>
      times(4).map((from) => {
        const to = from + draws.whole(5, 15) * MINUTE;
        return { entry: name, from, to, factor: draws.between(1.2, 1.8) };
      }),
    ),
    backups: of('database').flatMap(({ name }) => {
      if (!draws.happens(0.5)) return [];
      const at = Math.round(draws.between(0.5, 5) * HOUR);
      const [seconds, amount] = [draws.whole(10, 20) * MINUTE, draws.between(0.1, 0.3)];
      return Array.from({ length: Math.ceil(days) }, (_, day): Trouble => {
        const from = at + day * DAY;
        return { service: name, harm: 'hog', amount, from, to: from + seconds, grows: false };
      });
    }),
  };
}
