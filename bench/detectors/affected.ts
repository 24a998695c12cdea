import { isNetworkFault } from '../../microsim/protocol/fault.ts';
import type { Route } from '../../microsim/protocol/route.ts';
import type { PlannedFault } from './scenarios.ts';

/** A kind of visit with the calls that it causes. */
export interface Visit {
  readonly name: string;
  readonly route: Route;
}

/** The endpoint that spans of a service have for a kind of visit. */
export function endpointId(service: string, url: string): string {
  return `${service} ${url}`;
}

/**
 * The share of its requests in which an endpoint waits for the fault, 0..1, by the routes of the topology.
 *
 * A fault inside a service affects its own response times and those of all its callers. Packets that a service sends are
 * late or lost on their way to a callee, or on their way back: then its callers wait, and its own spans do not show it.
 */
export function affectedShares(
  visits: readonly Visit[],
  fault: Pick<PlannedFault, 'service' | 'type' | 'args'>,
): Map<string, number> {
  const shares = new Map<string, number>();
  const { service, type } = fault;
  const network = isNetworkFault(type);
  const callee = fault.args['callee'];
  const walk = (route: Route, url: string): number => {
    const isFaulty = route.designation === service;
    let untouched = isFaulty && !network ? 0 : 1;
    for (const child of route.routes) {
      const within = walk(child, url);
      const sent = isFaulty && network && (callee === undefined || callee === child.designation);
      const answered = child.designation === service && network && callee === undefined;
      untouched *= 1 - (child.probability / 100) * (sent || answered ? 1 : within);
    }
    const id = endpointId(route.designation, url);
    shares.set(id, Math.max(shares.get(id) ?? 0, 1 - untouched));
    return 1 - untouched;
  };
  for (const { name, route } of visits) walk(route, `/${name}`);
  return shares;
}
