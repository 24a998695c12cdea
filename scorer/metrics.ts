import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { collectProcessMetrics } from '../daemon/process-metrics.ts';
import { VERSION } from '../daemon/version.ts';

const PHASES = ['query', 'encode', 'inference', 'rank', 'write'] as const;
export type Phase = (typeof PHASES)[number];

/** The scorer's metrics of itself. */
export class ScorerMetrics {
  readonly registry = new Registry();

  readonly services = this.#gauge('services', 'Services by what the scorer can say of them.', ['state']);
  readonly missingValues = this.#gauge(
    'missing_values',
    'Values that were missing in the last cycle and taken as neutral.',
  );
  readonly interval = this.#gauge('interval_seconds', 'Configured time between two cycles.');
  readonly shard = this.#gauge('shard', 'Which part of the fleet this scorer has, always 1.', ['index', 'count']);
  readonly lastCycle = this.#gauge('last_cycle_timestamp_seconds', 'Unix time of the data of the last complete cycle.');
  readonly cyclesSkipped = this.#counter(
    'cycles_skipped_total',
    'Cycles left out because the one before was not done.',
  );
  readonly cyclesFailed = this.#counter('cycles_failed_total', 'Cycles that could not be completed.');
  readonly queryFailures = this.#counter('query_failures_total', 'Queries that Prometheus did not answer.', ['code']);
  readonly samplesWritten = this.#counter('samples_written_total', 'Samples that the remote-write receiver accepted.');
  readonly writeFailures = this.#counter('write_failures_total', 'Remote-write requests that failed.', ['code']);
  readonly samplesDropped = this.#counter('samples_dropped_total', 'Samples given up.', ['reason']);
  readonly modelAge = this.#gauge('model_age_seconds', 'Time since the services in use were last learned.');
  readonly trainingDuration = this.#gauge('training_duration_seconds', 'Duration of the last learning.');
  readonly trainingFailures = this.#counter('training_failures_total', 'Learning runs that failed.');
  readonly trainingProgress = this.#gauge(
    'training_progress_ratio',
    'How far each phase of the learning under way is, or of the last one.',
    ['phase'],
  );
  readonly learningLeft = this.#gauge(
    'learning_seconds_left',
    'Time until the last service without a score has been there for the least time of learning.',
  );
  readonly modelDamaged = this.#gauge('model_damaged', '1 while a saved model or profile could not be used.');
  readonly configReloaded = this.#gauge('config_last_reload_successful', '1 if the last reload took effect.');
  readonly cycleDuration = this.#histogram('cycle_duration_seconds', 'Duration of a cycle by phase.', ['phase']);
  readonly queryDuration = this.#histogram('query_duration_seconds', 'Duration of a query.', ['query']);

  constructor() {
    collectProcessMetrics(this.registry);
    this.#gauge('build_info', 'What was built.', ['version', 'node_version']).set(
      { version: VERSION, node_version: process.version },
      1,
    );
    this.configReloaded.set(1);
    this.modelDamaged.set(0);
  }

  observePhase(phase: Phase, milliseconds: number): void {
    this.cycleDuration.observe({ phase }, milliseconds / 1000);
  }

  async timed<T>(phase: Phase, work: () => Promise<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.observePhase(phase, performance.now() - started);
    }
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `lorikeet_scorer_${name}`, help, labelNames, registers: [this.registry] });
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `lorikeet_scorer_${name}`, help, labelNames, registers: [this.registry] });
  }

  #histogram(name: string, help: string, labelNames: string[] = []): Histogram {
    const buckets = [0.001, 0.004, 0.016, 0.064, 0.25, 1, 4, 16];
    return new Histogram({ name: `lorikeet_scorer_${name}`, help, labelNames, buckets, registers: [this.registry] });
  }
}
