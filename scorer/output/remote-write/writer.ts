import { ConditionLog } from '../../../daemon/logger.ts';
import { groupBySeries } from './encode.ts';
import { DEFAULTS, type RemoteWriterOptions } from './options.ts';
import { OutcomeCount, type WriteOutcome } from './outcome.ts';
import { logRefusal, type Refusal } from './refusal.ts';
import { type QueuedCycle, queuedCycle } from './queued-cycle.ts';
import { backoffMs, pause } from './retry.ts';
import { identify, violationOf, type Sample, type SeriesSample } from './sample.ts';
import { SeriesOrder } from './series-order.ts';
import { type Delivery, Transport } from './transport.ts';

/** Extra requests of a search in a cycle of which nothing is accepted: from 2000 samples down to one, it takes 22. */
const MAX_VAIN = 24;

/**
 * Writes samples by Prometheus remote write 2.0 or 1.0, one request at a time and in time order. A failure doesn't reject
 * `write`: it is part of the outcome, reported to the observer, and logged on change.
 */
export class RemoteWriter {
  readonly #options: typeof DEFAULTS & RemoteWriterOptions;
  readonly #log: ConditionLog;
  readonly #transport: Transport;
  readonly #order = new SeriesOrder();
  readonly #queue: QueuedCycle[] = [];
  readonly #closed = new AbortController();
  #closing = false;
  /** What `release` returns; undefined before: what was not sent is dropped. */
  #left: Sample[] | undefined;
  #draining: Promise<void> = Promise.resolve();

  constructor(options: RemoteWriterOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#log = new ConditionLog(options.logger);
    this.#transport = new Transport({
      ...options,
      onVersion: (version) => options.logger.info('remote write version', { version }),
    });
  }

  /** Queues one cycle's samples; resolves when all were accepted or dropped. */
  write(samples: readonly Sample[]): Promise<WriteOutcome> {
    const outcome = new OutcomeCount(this.#options.observer);
    if (this.#closing) {
      outcome.drop('closed', samples.length);
      return Promise.resolve(outcome);
    }
    const batches = this.#batches(samples, outcome);
    return new Promise((done, failed) => {
      this.#queue.push(queuedCycle(batches, outcome, { done, failed }));
      this.#makeRoom();
      if (this.#queue.length === 1) this.#draining = this.#drain();
    });
  }

  /** Refuses further samples, sends the queued ones, and drops those not sent within `deadlineMs`. Idempotent. */
  async close(deadlineMs = 4000): Promise<void> {
    this.#closing = true;
    const timer = setTimeout(() => {
      this.#closed.abort();
      for (const cycle of this.#queue) cycle.ended.abort();
    }, deadlineMs);
    await this.#draining;
    clearTimeout(timer);
  }

  /** As `close`, but returns what was not sent, oldest first, for a successor to write: it counts as neither. */
  async release(deadlineMs = 1000): Promise<readonly Sample[]> {
    this.#left = [];
    await this.close(deadlineMs);
    return this.#left;
  }

  #batches(samples: readonly Sample[], outcome: OutcomeCount): (readonly SeriesSample[])[] {
    const valid = samples.filter((sample) => violationOf(sample) === undefined);
    outcome.drop('invalid', samples.length - valid.length);
    this.#logInvalid(samples);
    // By series and in time order, so that no series goes back in time, in any batch.
    const unique = groupBySeries(valid.map(identify)).flat();
    outcome.drop('duplicate', valid.length - unique.length);
    const size = this.#options.maxSamplesPerSend;
    return Array.from({ length: Math.ceil(unique.length / size) }, (_, i) => unique.slice(i * size, (i + 1) * size));
  }

  #logInvalid(samples: readonly Sample[]): void {
    const reason = samples.map(violationOf).find((violation) => violation !== undefined);
    if (reason !== undefined) this.#log.failing('invalid', 'samples not valid for remote write', `invalid ${reason}`);
  }

  #makeRoom(): void {
    let waiting = this.#queue.reduce((sum, cycle) => sum + (cycle.ended.signal.aborted ? 0 : cycle.waiting), 0);
    for (const cycle of this.#queue.slice(0, -1)) {
      if (waiting <= this.#options.maxQueuedSamples) return;
      if (cycle.ended.signal.aborted) continue;
      cycle.ended.abort();
      waiting -= cycle.waiting;
    }
  }

  async #drain(): Promise<void> {
    for (let cycle = this.#queue[0]; cycle !== undefined; cycle = this.#queue[0]) {
      await this.#sendCycle(cycle).catch(cycle.failed);
      this.#order.forgetBefore(cycle.now() - this.#options.retryAgeMs);
      this.#queue.shift();
      cycle.done(cycle.outcome);
    }
  }

  async #sendCycle(cycle: QueuedCycle): Promise<void> {
    let rejected = false;
    for (let batch = cycle.batches.shift(); batch !== undefined; batch = cycle.batches.shift()) {
      const refusal = await this.#send(cycle, batch);
      if (refusal === undefined) continue;
      const { code, samples } = refusal;
      if (refusal.kind === 'bisect' && samples.length > 1 && this.#mayBisect(cycle, code)) {
        cycle.bisections += 2;
        const middle = Math.ceil(samples.length / 2);
        cycle.batches.unshift(samples.slice(0, middle), samples.slice(middle));
        continue;
      }
      rejected = true;
      this.#drop(cycle, code, samples.length);
      logRefusal(this.#log, refusal);
    }
    if (!rejected && cycle.outcome.accepted > 0)
      this.#log.recovered('refused', 'remote write accepts all samples again');
  }

  /** A second writer writes all series, not one of them: a search that finds none of its own ends early. */
  #mayBisect({ bisections, outcome }: QueuedCycle, code: string): boolean {
    const { maxBisections } = this.#options;
    const max = code === 'conflict' && outcome.accepted === 0 ? Math.min(MAX_VAIN, maxBisections) : maxBisections;
    return bisections + 2 <= max;
  }

  /** Sends `batch` until it is accepted, dropped or refused; returns the refused samples. */
  async #send(cycle: QueuedCycle, batch: readonly SeriesSample[]): Promise<Refusal | undefined> {
    let samples = batch;
    let failure = 'too_old';
    let serverErrors = 0;
    for (let attempt = 1; ; attempt++) {
      samples = this.#sendable(cycle, samples, failure);
      if (samples.length === 0) return undefined;
      cycle.outcome.requests++;
      const delivery = await this.#transport.deliver(samples, this.#closed.signal);
      this.#observe(delivery);
      switch (delivery.kind) {
        case 'accepted':
          this.#accept(cycle, samples);
          return undefined;
        case 'partial':
          return this.#acceptPart(cycle, samples, delivery.written, delivery);
        case 'bisect':
        case 'refused':
          return { ...delivery, samples };
        case 'aborted':
          this.#leave(cycle, samples);
          return undefined;
        case 'retry':
          failure = delivery.code;
          if (!delivery.isOfReceiver && ++serverErrors >= this.#options.maxAttempts) {
            return { ...delivery, kind: 'refused', samples };
          }
          await this.#wait(cycle, samples, attempt, delivery.afterMs);
      }
    }
  }

  /** Returns the samples that may still be sent; drops and counts the others. */
  #sendable(cycle: QueuedCycle, samples: readonly SeriesSample[], failure: string): readonly SeriesSample[] {
    if (this.#closed.signal.aborted) return this.#leave(cycle, samples);
    if (cycle.ended.signal.aborted) {
      this.#log.failing('lost', 'samples dropped', 'queue full: the oldest samples are dropped');
      return this.#dropAll(cycle, 'queue_full', samples);
    }
    const oldest = cycle.now() - this.#options.retryAgeMs;
    const young = samples.filter(({ sample }) => sample.timestampMs >= oldest);
    if (young.length < samples.length) this.#log.failing('lost', 'samples dropped', `older than retry_age: ${failure}`);
    this.#drop(cycle, failure, samples.length - young.length);
    const ordered = young.filter((one) => this.#order.allows(one));
    if (ordered.length < young.length) {
      this.#log.failing('order', 'samples out of order', 'newer ones are already written: was the clock set back?');
    } else if (ordered.length > 0) this.#log.recovered('order', 'samples are in order again');
    this.#drop(cycle, 'out_of_order', young.length - ordered.length);
    return ordered;
  }

  async #wait(cycle: QueuedCycle, samples: readonly SeriesSample[], attempt: number, afterMs: number): Promise<void> {
    const { minBackoffMs, maxBackoffMs, maxRetryAfterMs, retryAgeMs } = this.#options;
    const newest = samples.reduce((latest, { sample }) => Math.max(latest, sample.timestampMs), 0);
    // Never wait beyond this: all samples of the batch are too old then.
    const untilTooOld = Math.max(0, newest + retryAgeMs + 1 - cycle.now());
    const wanted = Math.max(Math.min(afterMs, maxRetryAfterMs), backoffMs(attempt, minBackoffMs, maxBackoffMs));
    await pause(Math.min(wanted, untilTooOld), cycle.ended.signal);
  }

  #accept(cycle: QueuedCycle, samples: readonly SeriesSample[]): void {
    this.#order.accept(samples);
    this.#log.recovered('lost', 'samples are delivered in time again');
    cycle.waiting -= samples.length;
    cycle.outcome.accept(samples.length);
  }

  /** The receiver wrote some of the samples and doesn't say which: none is sent again. */
  #acceptPart(
    cycle: QueuedCycle,
    samples: readonly SeriesSample[],
    written: number,
    { code, reason }: { readonly code: string; readonly reason: string },
  ): Refusal {
    this.#order.accept(samples);
    cycle.waiting -= written;
    cycle.outcome.accept(written);
    return { kind: 'refused', code, reason, samples: samples.slice(written), isPartial: true };
  }

  #drop(cycle: QueuedCycle, code: string, samples: number): void {
    cycle.waiting -= samples;
    cycle.outcome.drop(code, samples);
  }

  #leave(cycle: QueuedCycle, samples: readonly SeriesSample[]): readonly SeriesSample[] {
    if (this.#left === undefined) return this.#dropAll(cycle, 'closed', samples);
    cycle.waiting -= samples.length;
    for (const { sample } of samples) this.#left.push(sample);
    return [];
  }

  #dropAll(cycle: QueuedCycle, code: string, samples: readonly SeriesSample[]): readonly SeriesSample[] {
    this.#drop(cycle, code, samples.length);
    return [];
  }

  #observe(delivery: Delivery): void {
    if (delivery.kind === 'aborted') return;
    if (delivery.kind !== 'accepted') this.#options.observer.onRequestFailed?.(delivery.code);
    if (delivery.kind === 'retry') {
      this.#log.failing('delivery', 'remote write failed, retrying', delivery.code, { reason: delivery.reason });
    } else {
      this.#log.recovered('delivery', 'remote write works again');
    }
  }
}
