import { type Duration, lasting } from './duration.ts';

/** What a station is asked for. */
export interface Station {
  /** Arrivals per second. */
  readonly rate: number;
  /** Seconds for which each request occupies a server. */
  readonly service: Duration;
  /** Requests that are served at once; may be a fraction of a core. */
  readonly servers: number;
}

/** Utilisation up to which waiting is that of a steady state; beyond, what has piled up counts. */
const MAX_STEADY = 0.97;

/** Share of the servers' time that is asked for; above 1 a queue grows. */
export function utilisation({ rate, service, servers }: Station): number {
  return (rate * service.mean) / servers;
}

/**
 * Waiting in front of a station in its steady state, Poisson arrivals: Allen and Cunneen's M/G/c formula with Sakasegawa's
 * approximation of M/M/c (Sakasegawa, Annals of the Institute of Statistical Mathematics 29, 1977):
 * W = (1 + c_s²) / 2 · ρ^(√(2(c+1)) - 1) / (c (1 - ρ)) · S. For one server it is Pollaczek and Khinchine's exact W.
 * The deviation of the waiting is taken to be its mean, as of an exponential tail.
 */
export function steadyWaiting(station: Station): Duration {
  const { service, servers } = station;
  if (service.mean <= 0) return lasting(0, 0);
  const busy = Math.min(MAX_STEADY, utilisation(station));
  const many = Math.max(1, servers);
  const square = service.variance / service.mean ** 2;
  const share = busy ** (Math.sqrt(2 * (many + 1)) - 1) / (many * (1 - busy));
  return lasting(((1 + square) / 2) * share * service.mean, 1);
}

/** Requests that have piled up in front of a station that can't keep up. */
export interface Backlog {
  /** Requests that wait, at the end of the time. */
  readonly waiting: number;
  /** Seconds that a request that arrives in the middle of the time waits for those before it. */
  readonly seconds: number;
}

/**
 * The backlog after some time: what arrives less what is served, never below nothing. Clients leave after their patience, so
 * that no more wait than are served within it.
 *
 * @param before requests that waited at the beginning
 * @param capacity requests per second that can be served, above 0
 * @param patience seconds
 */
export function backlogAfter(
  before: number,
  { rate, capacity, patience, seconds }: Readonly<Record<'rate' | 'capacity' | 'patience' | 'seconds', number>>,
): Backlog {
  const most = capacity * patience;
  const waiting = Math.min(most, Math.max(0, before + (rate - capacity) * seconds));
  return { waiting, seconds: (Math.min(most, before) + waiting) / 2 / capacity };
}
