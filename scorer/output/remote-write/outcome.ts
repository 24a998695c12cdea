/**
 * Reason why a request failed or samples were dropped:
 * - an HTTP status, or `timeout`, `connect`, `protocol`, `credentials` or `too_large` (the response): the last failure
 *   before the samples became too old
 * - `conflict`: another writer writes the same series
 * - `not_written`: a receiver of 2.0 answered with success but wrote less than it got
 * - `too_old`: before the first attempt
 * - `queue_full`, `out_of_order`, `duplicate`, `invalid`
 * - `closed`: the writer was closed
 */
export type FailureCode = string;

/** Outcome of one `write`; accepted, dropped and released samples add up to those passed in. */
export interface WriteOutcome {
  readonly accepted: number;
  readonly dropped: Readonly<Record<FailureCode, number>>;
  readonly requests: number;
}

/** Callbacks for metrics. */
export interface WriteObserver {
  readonly onAccepted?: (samples: number) => void;
  readonly onDropped?: (code: FailureCode, samples: number) => void;
  /** A request failed; it may be retried. */
  readonly onRequestFailed?: (code: FailureCode) => void;
}

/** Counts an outcome and notifies the observer. */
export class OutcomeCount implements WriteOutcome {
  accepted = 0;
  readonly dropped: Record<FailureCode, number> = {};
  requests = 0;
  readonly #observer: WriteObserver;

  constructor(observer: WriteObserver) {
    this.#observer = observer;
  }

  accept(samples: number): void {
    this.accepted += samples;
    this.#observer.onAccepted?.(samples);
  }

  drop(code: FailureCode, samples: number): void {
    if (samples === 0) return;
    this.dropped[code] = (this.dropped[code] ?? 0) + samples;
    this.#observer.onDropped?.(code, samples);
  }
}
