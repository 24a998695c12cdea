import type { Span } from './span.ts';

/** Whom a client span called, by its own attributes. */
export interface Peer {
  readonly name: string;
  readonly database: boolean;
}

/** A span with what edges need beyond it. */
export interface ReceivedSpan extends Span {
  /** Of client and producer spans whose attributes name somebody. */
  readonly peer: Peer | undefined;
}
