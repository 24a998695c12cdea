import type { Random } from '../../../../scorer/numeric/random.ts';
import { missShare } from '../laws/cache.ts';
import { binomial, callsOf } from '../laws/counts.ts';
import { drawAttempts } from '../laws/retries.ts';
import type { ServiceState } from './state.ts';

/** Share of a cache's requests that it never has. */
const PASSING = 0.08;

/**
 * The calls that a service's requests of this step make, with retries as the last step's failures have them. What is more
 * than a service can serve waits, and calls later; a request that fails at once calls nobody.
 *
 * @param seconds length of the step
 */
export function callOthers(random: Random, state: ServiceState, seconds: number): void {
  const { up, calls } = state;
  const most = up.length === 0 ? 0 : state.capacity * seconds;
  const served = Math.min(state.arrived + Math.round(state.backlog), Math.floor(most));
  const failing = up.reduce((sum, { effects }) => sum + effects.failing, 0) / Math.max(1, up.length);
  const going = binomial(random, served, 1 - failing);
  for (const call of calls) {
    const { call: planned, server } = call;
    const asked = state.service.kind === 'worker' && server.service.kind === 'queue';
    call.each = planned.each * missedBy(state, planned.behind);
    // What a worker takes from its queue was counted there.
    const count = asked ? 0 : callsOf(random, going, call.each);
    const refusing = server.refusing;
    const attempts = drawAttempts(random, count, Math.max(call.failing, refusing), planned.retries);
    call.refused = binomial(random, attempts, refusing);
    call.arriving = attempts - call.refused;
  }
}

/** Share of the calls that the cache in front of a service doesn't answer; 1 without one. */
function missedBy({ calls }: ServiceState, cache: string | undefined): number {
  const asked = calls.find(({ call }) => call.server === cache);
  if (asked === undefined) return 1;
  const missed = missShare(asked.server.filled, PASSING);
  return missed + (1 - missed) * asked.failing;
}
