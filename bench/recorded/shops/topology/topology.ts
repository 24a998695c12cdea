import type { Duration } from '../laws/duration.ts';
import type { Day } from '../laws/traffic.ts';

/**
 * - entry: what visitors ask; service: what other services ask; idle: a service of a call in ten seconds.
 * - database, cache: answer without asking others. A cache has a database behind it.
 * - queue: takes messages, which have no response; worker: takes them from it, and is asked by nobody.
 * - job: works at its own times, and is asked by nobody.
 */
export const KINDS = ['entry', 'job', 'service', 'idle', 'queue', 'worker', 'cache', 'database'] as const;
export type Kind = (typeof KINDS)[number];

/** How a service asks another one. */
export interface Call {
  readonly server: string;
  /** Calls for each request. */
  readonly each: number;
  /** After which the caller gives up, seconds. */
  readonly timeout: number;
  /** Attempts after the first one, if that fails. */
  readonly retries: number;
  /** True if a request fails without it. */
  readonly needed: boolean;
  /** The cache that is asked first: only what it misses is asked here. */
  readonly behind?: string | undefined;
}

export interface ShopService {
  readonly name: string;
  readonly kind: Kind;
  readonly replicas: number;
  /** Of each replica; half a core takes twice as long. */
  readonly cores: number;
  /** Processor time of a request on a whole core. */
  readonly cpu: Duration;
  /** Other time of its own for a request: disks, services outside of the shop. */
  readonly pause: Duration;
  /** Requests that a replica works on at once; more wait. */
  readonly workers: number;
  readonly memoryBytes: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Of a response that says that it failed. */
  readonly errorBytes: number;
  readonly port: number;
  readonly calls: readonly Call[];
  /** True if it makes its calls at once, and waits for the slowest. */
  readonly parallel: boolean;
  /** Of an entry: requests per second at the peak of the day. Of a job: while it runs. */
  readonly rate: number;
  /** Of a job. */
  readonly runs?: Runs | undefined;
  /** Of a cache. */
  readonly entries?: number | undefined;
}

/** When a job works, seconds since midnight. */
export interface Runs {
  readonly from: number;
  readonly lasting: number;
  readonly every: number;
}

export interface Topology {
  /** Callers before callees; a worker after its queue. */
  readonly services: readonly ShopService[];
  readonly day: Day;
}
