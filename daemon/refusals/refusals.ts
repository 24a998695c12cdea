/** Why a web server refused a request or closed a connection, as the label `reason`. */
export const REFUSAL_REASONS = [
  /** A new connection: every place is taken by a request under way. */
  'connections',
  /** An idle connection gave way to a new one. */
  'idle_connection',
  /** A connection whose request was under way for long gave way to a new one. */
  'busy_connection',
  /** A connection with too many requests that wait for their turn. */
  'pipelined',
  /** A client that did not read its response in time, or gave way to another one. */
  'unread',
  /** Too many scrapes at once: status 503. */
  'scrapes',
  /** Too many passwords wait for their comparison: status 503. */
  'passwords',
  /** The rate limit: status 429. */
  'rate_limit',
  /** Too many pictures are being drawn: status 503. */
  'pictures',
] as const;

export type RefusalReason = (typeof REFUSAL_REASONS)[number];

/** What the web servers of this process have refused since its start, also over reloads. */
export class Refusals {
  readonly #counts = new Map<RefusalReason, number>(REFUSAL_REASONS.map((reason) => [reason, 0]));

  add(reason: RefusalReason): void {
    this.#counts.set(reason, this.of(reason) + 1);
  }

  of(reason: RefusalReason): number {
    return this.#counts.get(reason) ?? 0;
  }
}

/** Those of this process. */
export const refusals = new Refusals();
