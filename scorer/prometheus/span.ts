import type { RangeSeries } from './response.ts';
import { PrometheusError } from './error.ts';

/** A span of time, Unix milliseconds. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** Fetches a span, calls `visit` for each series, returns the server's warnings. */
export type FetchSpan = (span: Span, visit: (series: RangeSeries) => void) => Promise<readonly string[]>;
type Halve = (span: Span) => readonly [Span, Span] | undefined;

/** Splits a span (both ends included) into spans of at most `maxPoints` steps that share no step. */
export function splitSpan({ startMs, endMs }: Span, stepMs: number, maxPoints: number): readonly Span[] {
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  const pieces: Span[] = [];
  for (let first = 0; first < points; first += maxPoints) {
    const last = Math.min(first + maxPoints, points) - 1;
    pieces.push({ startMs: startMs + first * stepMs, endMs: startMs + last * stepMs });
  }
  return pieces;
}

/** Halves a span at a step; a single step can't be halved. */
export function halveBySteps(stepMs: number): Halve {
  return (span) => {
    const points = Math.floor((span.endMs - span.startMs) / stepMs) + 1;
    const [first, second] = splitSpan(span, stepMs, Math.max(1, Math.ceil(points / 2)));
    return first === undefined || second === undefined ? undefined : [first, second];
  };
}

/** Halves a span that excludes its start, so that the halves share a boundary; not below twice `minMs`. */
export function halveByTime(minMs: number): Halve {
  return ({ startMs, endMs }) => {
    if (endMs - startMs < 2 * minMs) return undefined;
    const middleMs = Math.floor((startMs + endMs) / 2);
    return [
      { startMs, endMs: middleMs },
      { startMs: middleMs, endMs },
    ];
  };
}

/**
 * Fetches `spans` one after another, halving those that exceed a server limit. Joins the parts of each series unless
 * `visit` is given.
 *
 * @throws PrometheusError; the server's own where a span can't be halved further.
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
      const halves = error instanceof PrometheusError && error.exceedsLimit ? halve(span) : undefined;
      if (halves === undefined) throw error;
      pending.unshift(...halves);
    }
  }
  return { series: joinParts(parts), warnings: [...warnings] };
}

/** Joins the parts of each series; `parts` are in time order. */
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
