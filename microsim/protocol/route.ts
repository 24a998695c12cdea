/**
 * The wire format between the load generator and the simulated services, in all languages they are
 * written in. A request has its whole route, and each service processes its own part of it:
 *
 *     POST / HTTP/1.1
 *     content-type: application/json
 *
 *     { "designation": "frontend",      the service that this part is for
 *       "probability": 100,             percent; drawn by the caller before it calls; 100 when absent
 *       "parallel": false,              whether `routes` are called at the same time; false when absent
 *       "faults": {                     both lists may be absent
 *         "before": [{ "type": "latency", "args": { "delay": 600 } }],
 *         "after":  [{ "type": "memory-leak", "args": { "size": 25, "duration": 10000 } }, { "type": "error", "args": {} }] },
 *       "routes": [ ... ] }             the calls that this service makes, in order; [] when absent
 *
 * A service runs `faults.before` in order, does its own work (a wait and some computation), calls each
 * of `routes` that the draw selects with that element as the body, runs `faults.after`, and answers:
 *
 *     200 {"service":"cart","error":null,"padding":"xxx"}     padded to the service's response size
 *     400 bad route            500 the service fails              502 a callee failed or timed out
 *     503 too many requests in progress, or the service is not ready; every one with {"service","error"}
 *
 * It stops at the first callee that fails. `latency` waits `delay` milliseconds. `memory-leak` holds
 * `size` MB for `duration` milliseconds and does not delay the response. `error` fails the request with 500.
 *
 * The path is `/`, or the kind of visit (`POST /checkout`) where spans are sent; a service calls others with the path
 * of the request that it serves. With `traceparent` (W3C Trace Context), it is part of the caller's trace.
 */
export interface Route {
  readonly designation: string;
  readonly probability: number;
  readonly parallel: boolean;
  readonly faults: { readonly before: readonly RouteFault[]; readonly after: readonly RouteFault[] };
  readonly routes: readonly Route[];
}

export type RouteFault =
  | { readonly type: 'latency'; readonly args: { readonly delay: number } }
  | { readonly type: 'memory-leak'; readonly args: { readonly size: number; readonly duration: number } }
  | { readonly type: 'error'; readonly args: Readonly<Record<string, never>> };

/** Limits on the effect of one request on a service: 60 s, 256 MB, 5 minutes. */
export const ROUTE_LIMITS = { delay: 60_000, size: 256, duration: 300_000, depth: 16 } as const;

/** A request's route is invalid; the message has the path. */
export class RouteError extends Error {
  readonly code = 'ROUTE';
  override readonly name = 'RouteError';
}

/**
 * Validates a route and fills in defaults. Ignores unknown keys, so that an older service can be part of
 * a newer route. Written by hand: a schema library would double the memory of a service.
 *
 * @throws RouteError
 */
export function parseRoute(value: unknown, at = 'route', depth = 0): Route {
  if (depth > ROUTE_LIMITS.depth) throw new RouteError(`${at}: nested deeper than ${ROUTE_LIMITS.depth}`);
  if (!isRecord(value)) throw new RouteError(`${at}: expected an object`);
  const { designation, probability = 100, parallel = false, faults = {}, routes = [] } = value;
  if (typeof designation !== 'string' || designation === '') {
    throw new RouteError(`${at}.designation: expected a service`);
  }
  if (typeof parallel !== 'boolean') throw new RouteError(`${at}.parallel: expected true or false`);
  if (!isRecord(faults)) throw new RouteError(`${at}.faults: expected an object`);
  if (!Array.isArray(routes)) throw new RouteError(`${at}.routes: expected a list`);
  return {
    designation,
    probability: parseNumber(probability, 100, `${at}.probability`),
    parallel,
    faults: {
      before: parseFaults(faults['before'], `${at}.faults.before`),
      after: parseFaults(faults['after'], `${at}.faults.after`),
    },
    routes: routes.map((route, index) => parseRoute(route, `${at}.routes[${index}]`, depth + 1)),
  };
}

function parseFaults(value: unknown, at: string): RouteFault[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new RouteError(`${at}: expected a list`);
  return value.map((fault: unknown, index) => {
    const here = `${at}[${index}]`;
    if (!isRecord(fault) || !isRecord(fault['args'])) throw new RouteError(`${here}: expected {type, args}`);
    const { type, args } = fault;
    if (type === 'latency') {
      return { type, args: { delay: parseNumber(args['delay'], ROUTE_LIMITS.delay, `${here}.args.delay`) } };
    }
    if (type === 'memory-leak') {
      const size = parseNumber(args['size'], ROUTE_LIMITS.size, `${here}.args.size`);
      const duration = parseNumber(args['duration'], ROUTE_LIMITS.duration, `${here}.args.duration`);
      return { type, args: { size, duration } };
    }
    if (type === 'error') return { type, args: {} };
    throw new RouteError(`${here}.type: expected latency, memory-leak or error`);
  });
}

function parseNumber(value: unknown, max: number, at: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= max)) {
    throw new RouteError(`${at}: expected a number from 0 to ${max}`);
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
