import type { Span } from './span.ts';

/** A span of service `a` in the trace `t1`, changed by `more`. */
export function span(spanId: string, parentId: string | undefined, more: Partial<Span> = {}): Span {
  return {
    traceId: 't1',
    spanId,
    parentId,
    service: { namespace: 'shop', service: 'a' },
    name: `GET /${spanId}`,
    kind: 'internal',
    startMs: 0,
    durationMs: 10,
    failed: false,
    url: undefined,
    ...more,
  };
}

export const service = (name: string) => ({ namespace: 'shop', service: name });
