import type { RangeSeries } from './answer.ts';
import { PrometheusError } from './error.ts';

/** A span of time, in Unix milliseconds. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Fetches a span, shows each series to `visit`, returns the server's warnings. */
export type FetchSpan = (span: Span, visit: (series: RangeSeries) => void) => Promise<readonly string[]>;
type Halve = (span: Span) => readonly [Span, Span] | undefined;

/** Cuts a span, both ends included, into pieces of at most `maxPoints` steps; pieces share no step. */
export function splitSpan({ startMs, endMs }: Span, stepMs: number, maxPoints: number): readonly Span[] {
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  const pieces: Span[] = [];
  for (let first = 0; first < points; first += maxPoints) {
    const last = Math.min(first + maxPoints, points) - 1;
    pieces.push({ startMs: startMs + first * stepMs, endMs: startMs + last * stepMs });
  }
  return pieces;
}

/** Halves of whole steps; a single step has none. */
export function halveBySteps(stepMs: number): Halve {
  return (span) => {
    const points = Math.floor((span.endMs - span.startMs) / stepMs) + 1;
    const [first, second] = splitSpan(span, stepMs, Math.max(1, Math.ceil(points / 2)));
    return first === undefined || second === undefined ? undefined : [first, second];
  };
}

/** Halves that share their border, for spans without their start; none below twice `leastMs`. */
export function halveByTime(leastMs: number): Halve {
  return ({ startMs, endMs }) => {
    if (endMs - startMs < 2 * leastMs) return undefined;
    const middleMs = Math.floor((startMs + endMs) / 2);
    return [
      { startMs, endMs: middleMs },
      { startMs: middleMs, endMs },
    ];
  };
}

/**
 * Fetches `spans` one after another, those that are too much at once in halves, and joins the series unless
 * they are visited.
 *
 * @throws PrometheusError, the server's own where a span can't be halved further.
 */
export async function fetchSpans(
  spans: readonly Span[],
  halve: Halve,
  fetch: FetchSpan,
  visit?: (series: RangeSeries) => void,
): Promise<{ readonly series: readonly RangeSeries[]; readonly warnings: readonly string[] }> {
  const pending = [...spans];
  const parts: RangeSeries[][] = [];
  const warnings = new Set<string>();
  for (let span = pending.shift(); span !== undefined; span = pending.shift()) {
    const part: RangeSeries[] = [];
    try {
      for (const warning of await fetch(span, visit ?? ((series) => void part.push(series)))) warnings.add(warning);
      parts.push(part);
    } catch (error) {
      const halves = error instanceof PrometheusError && error.tooMuchAtOnce ? halve(span) : undefined;
      if (halves === undefined) throw error;
      pending.unshift(...halves);
    }
  }
  return { series: joinParts(parts), warnings: [...warnings] };
}

/** Joins the parts of each series, given in order of time. */
export function joinParts(parts: readonly (readonly RangeSeries[])[]): readonly RangeSeries[] {
  if (parts.length === 1) return parts[0] ?? [];
  const byLabels = new Map<string, RangeSeries[]>();
  for (const series of parts.flat()) {
    const key = JSON.stringify(Object.entries(series.labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    const known = byLabels.get(key);
    if (known === undefined) byLabels.set(key, [series]);
    else known.push(series);
  }
  return [...byLabels.values()].map((pieces) => ({
    labels: pieces[0]?.labels ?? {},
    timestamps: concat(pieces.map((piece) => piece.timestamps)),
    values: concat(pieces.map((piece) => piece.values)),
  }));
}

function concat(arrays: readonly Float64Array[]): Float64Array {
  const joined = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    joined.set(array, at);
    at += array.length;
  }
  return joined;
}
