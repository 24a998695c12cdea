/**
 * Why samples were dropped: an HTTP status as text; `conflict`, where another writer was first; `timeout`, `connect`, `protocol`, `credentials` or `too_large`
 * (the answer) for the last failure before they became too old; `too_old` before the first attempt; `queue_full`,
 * `out_of_order`, `duplicate`, `invalid`; `closed`.
 */
export type FailureCode = string;

/** What became of the samples of one `write`; accepted and dropped add up to those given. */
export interface WriteOutcome {
  readonly accepted: number;
  readonly dropped: Readonly<Record<FailureCode, number>>;
  readonly requests: number;
}

/** Called as things happen, for metrics. */
export interface WriteObserver {
  readonly onAccepted?: (samples: number) => void;
  readonly onDropped?: (code: FailureCode, samples: number) => void;
  /** A request failed; it may be tried again. */
  readonly onRequestFailed?: (code: FailureCode) => void;
}

/** Adds up an outcome and tells the observer. */
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
