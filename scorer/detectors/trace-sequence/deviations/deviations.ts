import type { EventSequence, TraceEvent } from '../events/events.ts';
import { childrenOf, isRetried } from '../events/family.ts';
import type { Expectation } from '../prediction/predictor.ts';
import { MAX_CHILDREN, type ParentStructure, type Structure, TOP } from './structure.ts';

/** How a trace can differ from what is expected. */
export const DEVIATION_KINDS = [
  'missing_call',
  'extra_call',
  'order',
  'failure',
  'swallowed_failure',
  'new_path',
  'duration',
] as const;
export type DeviationKind = (typeof DEVIATION_KINDS)[number];

/** An unexpected event of a trace. */
export interface Deviation {
  readonly kind: DeviationKind;
  /** Place of the event whose destination deviates; -1 where the root itself is unexpected. */
  readonly at: number;
  /** What came and what was expected in its place. */
  readonly event: string;
  readonly expected: string;
}

/** Which events count as unexpected. */
export interface Expected {
  /** By the place among the likeliest events, as the paper has it, or by the probability. */
  readonly judge: 'candidates' | 'probability';
  readonly candidates: number;
  readonly minProbability: number;
}

export const END_OF_TRACE = 'end';
/** A parent that had a child at least this often has it always. */
const ALWAYS = 0.98;
/** Of an event besides the likeliest that may have been the expected one. */
const PLAUSIBLE = 0.05;

/** Finds the unexpected events of one trace, and what each of them is. */
export function findDeviations(
  sequence: EventSequence,
  expectations: readonly Expectation[],
  structure: Structure,
  expected: Expected,
): Deviation[] {
  const trace = { events: sequence.events, children: childrenOf(sequence.events), expectations, structure, expected };
  return [...failures(trace), ...swallowedFailures(trace), ...changedCalls(trace)];
}

interface JudgedTrace {
  readonly events: readonly TraceEvent[];
  readonly children: ReadonlyMap<number, readonly number[]>;
  readonly expectations: readonly Expectation[];
  readonly structure: Structure;
  readonly expected: Expected;
}

/** Failures where success was likelier, each at the deepest event that failed: those above failed because of it. */
function* failures({ events, children, expectations }: JudgedTrace): Generator<Deviation> {
  for (const [at, event] of events.entries()) {
    if (!event.failed || children.get(at)!.some((child) => events[child]!.failed)) continue;
    let unexpected = false;
    for (let above = at; above !== -1 && events[above]!.failed; above = events[above]!.parent) {
      unexpected ||= expectations[above]!.failure < 0.5;
    }
    const { key } = event.representative;
    if (unexpected) yield { kind: 'failure', at, event: `${key} failed`, expected: key };
  }
}

/** Unexpected failures of children, not tried again, whose parent doesn't fail and isn't known for that. */
function* swallowedFailures({ events, children, expectations, structure }: JudgedTrace): Generator<Deviation> {
  for (const [index, { failed, parent, representative }] of events.entries()) {
    const above = events[parent];
    if (!failed || above === undefined || above.failed) continue;
    if (isRetried(events, children.get(parent)!, index) || expectations[index]!.failure >= 0.5) continue;
    const known = structure[above.representative.key]?.children[representative.key];
    if (known !== undefined && known.swallowed > 0 && known.swallowed >= known.failed / 2) continue;
    const { key } = above.representative;
    yield { kind: 'swallowed_failure', at: parent, event: `${representative.key} failed`, expected: `${key} failed` };
  }
}

/**
 * Events, or ends, that come instead of others. After the first, or after a failure, the network reads what it has hardly ever
 * seen: another counts only if the calls that were ever seen confirm it. What a failure changes is the failure's.
 */
function* changedCalls(trace: JudgedTrace): Generator<Deviation> {
  const { events, expectations } = trace;
  let found = false;
  for (let index = 0; index <= events.length; index++) {
    const expectation = expectations[index]!;
    found ||= events[index - 1]?.failed === true;
    const { deviation, evidence } = classify(trace, index, expectation);
    if (deviation === undefined) continue;
    if (evidence !== 'structure') {
      if (!isUnexpected(trace.expected, expectation, events[index])) continue;
      if (found && evidence === 'network') continue;
    }
    found = true;
    yield deviation;
  }
}

function isUnexpected(
  { judge, candidates, minProbability }: Expected,
  { probability, candidates: likeliest }: Expectation,
  event: TraceEvent | undefined,
): boolean {
  // Which requests come is the users' choice.
  if (event?.parent === -1) return false;
  if (judge === 'probability') return probability < minProbability;
  return likeliest.filter((candidate) => candidate.probability > probability).length >= candidates;
}

interface Classified {
  readonly deviation?: Deviation | undefined;
  /** What says so: the calls that were ever seen, the network alone, or both. */
  readonly evidence?: 'structure' | 'network' | 'both' | undefined;
}

/** What it is if the event at `index`, or the end of the trace, is unexpected. */
function classify(trace: JudgedTrace, index: number, { candidates }: Expectation): Classified {
  const key = trace.events[index]?.representative.key;
  const others = candidates.filter((candidate) => candidate.key !== key);
  const first = others[0]?.key;
  const structural = ofStructure(trace, index, first);
  if (structural !== undefined) return structural;
  const plausible = others.filter(({ probability }, place) => place === 0 || probability >= PLAUSIBLE);
  const missing = plausible.map((candidate) => insteadOf(trace, index, candidate.key));
  return missing.find(({ evidence }) => evidence === 'both') ?? missing[0] ?? {};
}

/** New paths and calls that come more often than ever below one parent; undefined if it is neither. */
function ofStructure(trace: JudgedTrace, index: number, expected: string | undefined): Classified | undefined {
  const { events, children, structure } = trace;
  const event = events[index];
  if (event === undefined) return undefined;
  const { key: came } = event.representative;
  const parent = structure[events[event.parent]?.representative.key ?? TOP];
  // What is below a new path follows from it.
  if (parent === undefined) return {};
  const known = parent.children[came];
  if (known === undefined) {
    return deviates(trace, index, event.parent, 'new_path', expected, isClosed(parent) ? 'structure' : 'network');
  }
  const same = children.get(event.parent)!.filter((other) => events[other]!.representative.key === came);
  if (event.parent === -1 || same.indexOf(index) < mostOf(known)) return undefined;
  return deviates(trace, index, event.parent, 'extra_call', expected, 'structure');
}

/** What it is if `expected` should have come: a missing call, another order, or one call too many. */
function insteadOf(trace: JudgedTrace, index: number, expected: string | undefined): Classified {
  const { events, children } = trace;
  const event = events[index];
  const caller = expected === undefined ? -1 : callerOf(trace, index, expected);
  if (caller === -1 || isAbove(events, caller, event?.parent ?? -1)) {
    return event === undefined ? {} : deviates(trace, index, event.parent, 'extra_call', expected, 'network');
  }
  const made = children.get(caller)!.filter((other) => events[other]!.representative.key === expected);
  if (made.some((other) => other > index)) {
    return event?.parent === caller ? deviates(trace, index, caller, 'order', expected, 'network') : {};
  }
  const always = made.length === 0 && isAlways(trace, caller, expected!);
  return deviates(trace, index, caller, 'missing_call', expected, always ? 'both' : 'network');
}

/** Nothing if what failed before explains it. */
function deviates(
  trace: JudgedTrace,
  index: number,
  at: number,
  kind: DeviationKind,
  expected: string | undefined,
  evidence: Classified['evidence'],
): Classified {
  if (isDisturbed(trace, at, index)) return {};
  const event = trace.events[index]?.representative.key ?? END_OF_TRACE;
  return { deviation: { kind, at, event, expected: expected ?? END_OF_TRACE }, evidence };
}

/** The nearest event before `index`, or above that, below which `key` was seen. */
function callerOf({ events, structure }: JudgedTrace, index: number, key: string): number {
  let at = index - 1;
  while (at >= 0 && structure[events[at]!.representative.key]?.children[key] === undefined) at = events[at]!.parent;
  return Math.max(-1, at);
}

/** `at` is above `below`, and not the same. */
function isAbove(events: readonly TraceEvent[], at: number, below: number): boolean {
  let above = below === -1 ? -1 : events[below]!.parent;
  while (above !== -1 && above !== at) above = events[above]!.parent;
  return above === at && at !== -1;
}

/** Something below the event has failed before `index`, or the event itself: what it does then is another matter. */
function isDisturbed({ events, children }: JudgedTrace, at: number, index: number): boolean {
  if (events[at]?.failed === true) return true;
  return children.get(at)!.some((child) => child < index && events[child]!.failed);
}

/** A loop has its own number of calls each time, of which few traces show the largest. */
function mostOf({ fewest, most }: ParentStructure['children'][string]): number {
  return fewest === most ? most : 2 * most;
}

function isClosed({ children }: ParentStructure): boolean {
  return Object.keys(children).length < MAX_CHILDREN;
}

function isAlways({ events, structure }: JudgedTrace, at: number, key: string): boolean {
  const parent = structure[events[at]!.representative.key]!;
  return parent.children[key]!.parents >= ALWAYS * parent.count;
}
