import type { Registry } from 'prom-client';
import { setAside } from '../../daemon/files/set-aside.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import type { ScorerConfig } from '../config.ts';
import type { TraceSample } from '../detectors/trace-sequence/sample/trace-sample.ts';
import { createTraceSample } from '../learning/detectors/trace-sample.ts';
import { modelPaths } from '../paths.ts';
import { EndpointDurations } from '../traces/endpoint-durations.ts';
import type { Trace } from '../traces/span.ts';

/** Traces that wait for the next cycle. Further ones are learned from and measured, and not judged. */
const MAX_WAITING = 10_000;
/** Steps between two saves of the sample. */
const STEPS_PER_SAVE = 10;

/** What becomes of received traces: they wait for the next cycle, are sampled to learn from, and give response times. */
export class TraceFeed {
  readonly #config: ScorerConfig;
  readonly #logger: Logger;
  readonly #conditions: ConditionLog;
  readonly #sample: TraceSample | undefined;
  readonly #endpoints: EndpointDurations | undefined;
  #waiting: Trace[] = [];

  constructor(config: ScorerConfig, registry: Registry, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    this.#conditions = new ConditionLog(logger);
    this.#sample = createTraceSample(config);
    const { traces, identity } = config;
    if (traces?.endpoints !== true) return;
    const limits = { maxEndpoints: traces.max_endpoints, idleMs: traces.endpoint_idle };
    this.#endpoints = new EndpointDurations(limits, registry, { labels: identity.labels });
  }

  take(trace: Trace): void {
    const nowMs = Date.now();
    this.#endpoints?.add(trace, nowMs);
    if (this.#sample === undefined) return;
    this.#sample.add(trace, nowMs);
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(trace);
  }

  /** The traces since the last call; undefined if no detector reads traces. */
  next(): readonly Trace[] | undefined {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#endpoints?.expire(Date.now());
    return this.#sample === undefined ? undefined : waiting;
  }

  async load(): Promise<void> {
    const path = modelPaths(this.#config).traces;
    const reason = await this.#sample?.load(path, Date.now());
    if (reason === undefined) return;
    this.#logger.warn('sample of traces not usable, starting without one', { reason, set_aside: setAside(path) });
  }

  async saveIfDue(step: number): Promise<void> {
    if (step % STEPS_PER_SAVE === 0) await this.save();
  }

  async save(): Promise<void> {
    if (this.#sample === undefined) return;
    try {
      await this.#sample.save(modelPaths(this.#config).traces);
      this.#conditions.recovered('sample', 'saving the sample of traces works again');
    } catch (error) {
      this.#conditions.failing('sample', 'saving the sample of traces failed', error);
    }
  }
}
