import type { Span } from './span.ts';

/** The callee that a client span's own attributes name. */
export interface Peer {
  readonly name: string;
  readonly database: boolean;
}

/** A span with the callee that it names, which call edges need. */
export interface ReceivedSpan extends Span {
  /** Only of client and producer spans. */
  readonly peer: Peer | undefined;
}
