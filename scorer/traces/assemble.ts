import { clockShift } from './clock-skew.ts';
import type { Span, Trace } from './span.ts';

/** Builds a trace from `spans` of one trace: at least one, in any order. */
export function assemble<S extends Span>(spans: Iterable<S>): Trace<S> {
  const byId = new Map<string, S>();
  for (const span of spans) byId.set(span.spanId, span);
  const children = new Map<string | undefined, S[]>();
  for (const span of byId.values()) {
    const parent = parentOf(span, byId);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [span]);
    else siblings.push(span);
  }
  for (const siblings of children.values()) siblings.sort((a, b) => a.startMs - b.startMs);
  const tops = children.get(undefined) ?? [];
  const roots = tops.filter(({ parentId }) => parentId === undefined);
  const ordered = inOrder(tops, children);
  const reached = new Set(ordered.map(({ spanId }) => spanId));
  // Spans that are each other's parents have no top above them. They keep their times.
  const astray = [...byId.values()].filter(({ spanId }) => !reached.has(spanId));
  const sorted = [...ordered, ...astray].sort((a, b) => a.startMs - b.startMs);
  return {
    traceId: sorted[0]?.traceId ?? '',
    spans: sorted,
    root: roots[0] && sorted.find(({ spanId }) => spanId === roots[0]?.spanId),
    complete: roots.length === 1 && tops.length === 1 && astray.length === 0,
  };
}

/** The id of the parent if that is there. An orphan is a top, like a root. */
function parentOf(span: Span, byId: ReadonlyMap<string, Span>): string | undefined {
  return span.parentId !== undefined && byId.has(span.parentId) ? span.parentId : undefined;
}

/**
 * All spans from `tops` down, parents before children, on their parents' clocks. Not recursive, as traces can be deep.
 */
function inOrder<S extends Span>(tops: readonly S[], children: ReadonlyMap<string | undefined, readonly S[]>): S[] {
  const ordered: S[] = [];
  const next = tops.map((span) => ({ span, shiftMs: 0 }));
  next.reverse();
  for (let step = next.pop(); step !== undefined; step = next.pop()) {
    const { span, shiftMs } = step;
    ordered.push(shiftMs === 0 ? span : { ...span, startMs: span.startMs + shiftMs });
    const below = children.get(span.spanId) ?? [];
    for (let i = below.length - 1; i >= 0; i--) {
      const child = below[i]!;
      next.push({ span: child, shiftMs: clockShift(child, span, shiftMs) });
    }
  }
  return ordered;
}
