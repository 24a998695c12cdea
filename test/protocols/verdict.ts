import { isDeepStrictEqual } from 'node:util';
import type { Case, Expectation, Truth } from './case.ts';
import type { Reported, Snapshot } from './series.ts';

export type Verdict = 'exact' | 'counted' | 'absent' | 'wrong';

/** Truth and report of a case, side by side. */
export interface Row {
  readonly name: string;
  readonly protocol: string;
  readonly truth: Truth;
  readonly reported: Snapshot;
  readonly verdict: Verdict;
  /** What differs. */
  readonly faults: readonly string[];
  readonly expected: Expectation;
}

/**
 * Tolerance of durations. The client's clock includes its own run time before and after the system calls, and the
 * connection if it is new, so the exporter's durations are shorter than the truth; they are not shorter than the
 * server's work. A timer of the server may fire up to a millisecond early. The machine may be busy between the clock
 * and the call, which is the same for both.
 */
const SLACK_MS = 3;
const SLACK_SHARE = 0.1;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean of the truth in milliseconds; NaN without requests. */
export const trueMeanMs = ({ durationsMs }: Truth): number => mean(durationsMs);
/** Mean of a report in milliseconds; NaN without requests. */
export const reportedMeanMs = ({ requests, sumSeconds }: Reported): number => (sumSeconds / requests) * 1000;

export function judge(subject: Case, truth: Truth, reported: Snapshot): Row {
  const { name, protocol, expected } = subject;
  const row = { name, protocol, truth, reported, expected };
  const isAbsent = reported.client.requests === 0 && reported.server.requests === 0 && reported.edgeRequests === 0;
  const missing = missingRequests(truth, reported);
  if (missing > 0 && !(isAbsent && expected.includes('absent')) && (reported.said[LOST_REQUESTS] ?? 0) >= missing) {
    const faults = [...faultsOfSides(subject, truth, reported, true), ...commonFaults(truth, reported)];
    return { ...row, verdict: faults.length > 0 ? 'wrong' : 'counted', faults };
  }
  if (isAbsent && truth.requests > 0) {
    // Requests that nobody sees cannot be unanswered.
    const common = commonFaults({ ...truth, unanswered: 0 }, reported);
    const faults = isSaid(reported) ? common : ['absent, but not said', ...common];
    return { ...row, verdict: faults.length > 0 ? 'wrong' : 'absent', faults };
  }
  const faults = [...faultsOfSides(subject, truth, reported, false), ...commonFaults(truth, reported)];
  return { ...row, verdict: faults.length > 0 ? 'wrong' : 'exact', faults };
}

/** The series that counts requests which were seen, and could not be counted. */
const LOST_REQUESTS = 'lorikeet_exporter_lost_events_total';

/** Requests of both ends that are not reported; 0 if an end has too many. */
function missingRequests({ requests }: Truth, { client, server }: Snapshot): number {
  const missing = [client, server].map((side) => requests - side.requests);
  return missing.some((count) => count < 0) ? 0 : missing.reduce((sum, count) => sum + count, 0);
}

/** `some`: the counts need not be complete. */
function faultsOfSides(subject: Case, truth: Truth, { client, server }: Snapshot, some: boolean): string[] {
  return Object.entries({ client, server }).flatMap(([role, side]) =>
    faultsOf(role, side, subject, some ? { ...truth, requests: side.requests } : truth),
  );
}

/** Protocols that say nothing: connections of the kind may well have requests. */
const NAMELESS = ['unknown', 'unseen'];

/** Whether the exporter says that it does not measure this traffic: by a protocol's name, or by a counter. */
const isSaid = ({ protocols, said }: Snapshot): boolean =>
  protocols.some((name) => !NAMELESS.includes(name)) || Object.values(said).some((grown) => grown > 0);

/** Whether a row is what the case expects. */
export const isExpected = ({ verdict, expected }: Row): boolean => expected.split(' or ').includes(verdict);

function faultsOf(role: string, reported: Reported, { workMs = 0 }: Case, truth: Truth): string[] {
  const { requests, handshakes = 0 } = truth;
  if (reported.requests !== requests && reported.requests !== requests + handshakes)
    return [`${role}: ${reported.requests} requests`];
  if (reported.requests === 0) return [];
  const faults: string[] = [];
  const longest = Math.max(...truth.durationsMs) * (1 + SLACK_SHARE) + SLACK_MS;
  const meanMs = reportedMeanMs(reported);
  if (meanMs > trueMeanMs(truth) * (1 + SLACK_SHARE) + SLACK_MS) faults.push(`${role}: mean too long`);
  const shortestMean = (workMs * (1 - SLACK_SHARE) * requests) / reported.requests - 1;
  if (meanMs < shortestMean) faults.push(`${role}: mean too short`);
  const long = countAbove(reported, longest);
  if (long > 0) faults.push(`${role}: ${long} above ${longest.toFixed(0)} ms`);
  const short = countBelow(reported, workMs * (1 - SLACK_SHARE) - 1);
  if (short > reported.requests - requests) faults.push(`${role}: ${short} below the ${workMs} ms of work`);
  return faults;
}

/** Requests in buckets that begin above a duration. */
function countAbove({ buckets }: Reported, ms: number): number {
  const total = buckets.at(-1)?.[1] ?? 0;
  const upTo = buckets.find(([bound]) => bound * 1000 >= ms)?.[1] ?? total;
  return total - upTo;
}

/** Requests in buckets that end below a duration. */
function countBelow({ buckets }: Reported, ms: number): number {
  return buckets.findLast(([bound]) => bound * 1000 <= ms)?.[1] ?? 0;
}

const WORDS = { sentBytes: 'bytes sent', receivedBytes: 'bytes received' } as const;

function commonFaults(truth: Truth, { client, server, edgeRequests, unanswered, responses }: Snapshot): string[] {
  const faults: string[] = [];
  const lost = truth.unanswered ?? 0;
  if (edgeRequests !== client.requests) faults.push(`edge: ${edgeRequests} requests`);
  if (unanswered !== lost) faults.push(`${unanswered} unanswered instead of ${lost}`);
  for (const [role, { connections }] of Object.entries({ client, server })) {
    if (truth.connections !== undefined && connections !== truth.connections)
      faults.push(`${role}: ${connections} connections instead of ${truth.connections}`);
  }
  for (const key of ['sentBytes', 'receivedBytes'] as const) {
    const bytes = truth[key];
    const absent = client.requests === 0 && client[key] === 0 && truth.requests > 0;
    if (bytes !== undefined && client[key] !== bytes && !absent)
      faults.push(`client: ${client[key]} ${WORDS[key]} instead of ${bytes}`);
  }
  const counted = Object.entries(responses).filter(([, count]) => count > 0);
  const expected = Object.entries(truth.responses ?? {});
  if (counted.length > 0 && expected.length > 0 && !isDeepStrictEqual(new Map(counted), new Map(expected)))
    faults.push(`responses: ${counted.map(([key, count]) => `${count} ${key}`).join(', ')}`);
  return faults;
}
