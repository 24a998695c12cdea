import { afterEachOther, type Duration, lasting, NOTHING, oneOf, times } from '../laws/duration.ts';
import { failedAtLast } from '../laws/retries.ts';
import { backlogAfter, steadyWaiting } from '../laws/waiting.ts';
import type { Replica } from './replica.ts';

/** A call as its client sees it at a step. */
export interface ExpectedCall {
  /** Calls for each request, after a cache has answered some. */
  readonly each: number;
  /** Of a call with all its attempts. */
  readonly duration: Duration;
  /** Share of the attempts that fail. */
  readonly failing: number;
  readonly retries: number;
  readonly needed: boolean;
}

/** How a replica answers at a step. */
export interface Behaviour {
  /** From the request to the response. */
  readonly answer: Duration;
  /** Share of the responses that say that the request failed. */
  readonly failing: number;
  /** Requests per second that it can serve. */
  readonly capacity: number;
  readonly backlog: number;
  /** Processor time of a request. */
  readonly cpuSeconds: number;
  /** Requests that it works on at once. */
  readonly inFlight: number;
}

export interface Asked {
  /** Requests per second that arrive. */
  readonly rate: number;
  /** Seconds after which clients leave. */
  readonly patience: number;
  /** Length of the step. */
  readonly seconds: number;
  /** Seconds since the start of the recording. */
  readonly time: number;
  /** How much longer the machine takes than usual, a factor. */
  readonly slowdown: number;
}

/** The share of a request's time that one which fails takes. */
const FAILS_AFTER = 0.2;
/** A failing share of this many workers and cores is left, so that capacity is never 0. */
const LEAST_CORES = 0.02;

/** What a request waits for its callees: one call after another, or the slowest of parallel ones. */
export function waitForCallees(calls: readonly ExpectedCall[], parallel: boolean): Duration {
  const each = calls.map((call) => times(call.each, call.duration));
  if (!parallel) return afterEachOther(NOTHING, ...each);
  return each.reduce((longest, one) => (one.mean > longest.mean ? one : longest), NOTHING);
}

/** Share of the requests that fail because a call that they need failed at last. */
export function failedByCallees(calls: readonly ExpectedCall[]): number {
  let well = 1;
  for (const { needed, each, failing, retries } of calls) {
    if (needed) well *= 1 - Math.min(1, each) * failedAtLast(failing, retries);
  }
  return 1 - well;
}

/** How a replica answers what it is asked: it waits for a processor, for a free worker, and for its callees. */
export function behave(replica: Replica, calls: readonly ExpectedCall[], asked: Asked): Behaviour {
  const { service, effects } = replica;
  const { rate, patience, seconds, time, slowdown } = asked;
  const cores = Math.max(LEAST_CORES, service.cores * (1 - effects.hog)) / slowdown;
  const cpuSeconds = service.cpu.mean * replica.effort(time);
  // Less than a core takes longer; more than one doesn't make a request faster.
  const wall = cpuSeconds / Math.min(1, cores);
  const computing = lasting(wall, Math.sqrt(service.cpu.variance) / service.cpu.mean);
  const slow = effects.slow > 0 ? lasting(effects.slow, 0.5) : NOTHING;
  const hold = afterEachOther(computing, service.pause, slow, waitForCallees(calls, service.parallel));
  const capacity = Math.min(cores / cpuSeconds, service.workers / hold.mean);
  const waiting = afterEachOther(
    steadyWaiting({ rate, service: computing, servers: Math.max(1, cores) }),
    steadyWaiting({ rate, service: hold, servers: service.workers }),
  );
  const backlog = backlogAfter(replica.backlog, { rate, capacity, patience, seconds });
  const whole = afterEachOther(waiting, lasting(backlog.seconds, 0.3), hold);
  const own = effects.failing;
  const failsEarly = lasting(Math.max(0.0005, FAILS_AFTER * computing.mean), 0.5);
  return {
    answer:
      own > 0
        ? oneOf([
            [own, failsEarly],
            [1 - own, whole],
          ])
        : whole,
    failing: own + (1 - own) * failedByCallees(calls),
    capacity,
    backlog: backlog.waiting,
    cpuSeconds,
    inFlight: Math.min(service.workers, rate * hold.mean),
  };
}
