import type { Fault } from '../protocol/fault.ts';
import type { Random } from '../protocol/random.ts';
import type { Route } from '../protocol/route.ts';

/**
 * The calls that a request makes under a fault, in order. Draws nothing without such a fault, so that the sequence of
 * random numbers of a healthy service stays the same.
 */
export function changeCalls(calls: readonly Route[], fault: Fault | null, random: Random): readonly Route[] {
  switch (fault?.type) {
    case 'skip_call':
      return changeOne(calls, fault, random, () => []);
    case 'double_call':
      return changeOne(calls, fault, random, (call) => [call, call]);
    case 'swallow_error':
      return changeOne(calls, fault, random, (call) => [failing(call)]);
    case 'reorder_calls':
      return chosen(fault, random) ? reorder(calls, fault.callee) : calls;
    default:
      return calls;
  }
}

/** True if a failure of `callee` must not fail the request. */
export function swallows(fault: Fault | null, callee: string): boolean {
  return fault?.type === 'swallow_error' && (fault.callee ?? callee) === callee;
}

function chosen(fault: Fault, random: Random): boolean {
  return random.next() < (fault.args['share'] ?? 1);
}

/** Changes all calls to the fault's callee; without one, a call drawn at random. */
function changeOne(
  calls: readonly Route[],
  fault: Fault,
  random: Random,
  change: (call: Route) => readonly Route[],
): readonly Route[] {
  if (calls.length === 0 || !chosen(fault, random)) return calls;
  const drawn = fault.callee === undefined ? random.pick(calls) : undefined;
  return calls.flatMap((call) => (call === drawn || call.designation === fault.callee ? change(call) : [call]));
}

function failing(call: Route): Route {
  return { ...call, faults: { ...call.faults, before: [{ type: 'error', args: {} }, ...call.faults.before] } };
}

function reorder(calls: readonly Route[], callee: string | undefined): readonly Route[] {
  if (callee === undefined) return calls.toReversed();
  const moved = calls.filter(({ designation }) => designation === callee);
  const others = calls.filter(({ designation }) => designation !== callee);
  return calls.at(-1)?.designation === callee ? [...moved, ...others] : [...others, ...moved];
}
