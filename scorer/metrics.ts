import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { collectProcessMetrics } from '../daemon/process-metrics.ts';
import { REJECTIONS } from './fleet/rejected-series.ts';

/** Labels of a target of remote write. */
const TARGET = ['remote_name', 'url'];
const PHASES = ['query', 'encode', 'inference', 'rank', 'write'] as const;
export type Phase = (typeof PHASES)[number];

/** The scorer's own metrics, `lorikeet_scorer_*`. */
export class ScorerMetrics {
  readonly registry = new Registry();

  readonly services = this.#gauge('services', 'Services by state.', ['state']);
  readonly missingValues = this.#gauge(
    'missing_values',
    'Feature values missing in the last cycle and replaced by the median.',
  );
  readonly interval = this.#gauge('interval_seconds', 'Configured interval between cycles.');
  readonly delay = this.#gauge('delay_seconds', 'Time from the end of an interval to its cycle, configured or found.');
  readonly featureLateness = this.#gauge(
    'feature_lateness_seconds',
    'Largest age, in the last cycles, of a feature value that a query asked for in vain; 0 if none came late.',
  );
  readonly sufficientDelay = this.#gauge(
    'sufficient_delay_seconds',
    'Delay with which no feature value would have come late in the last cycles.',
  );
  readonly lateValues = this.#counter('late_values_total', 'Feature values that came after the query for their step.');
  readonly ruleInterval = this.#gauge('rule_interval_seconds', 'Time between two evaluations of the recording rules.');
  readonly clockSkew = this.#gauge(
    'clock_skew_seconds',
    'How far the clock of Prometheus is at least ahead of the clock of the scorer; negative: behind.',
  );
  readonly emptyWindows = this.#gauge(
    'empty_window_features',
    'Features of services without values in a window, because scrapes are too far apart.',
    ['window'],
  );
  readonly scrapeInterval = this.#gauge(
    'scrape_interval_seconds',
    'Longest time between two samples of the series that features read.',
  );
  readonly unfitProfiles = this.#gauge(
    'unfit_profiles',
    'Profiles on disk that were learned with other settings, by setting; those of another interval stay in use.',
    ['setting'],
  );
  readonly shard = this.#gauge('shard', 'Index of this shard and number of shards, as labels; always 1.', [
    'index',
    'count',
  ]);
  readonly lastCycle = this.#gauge('last_cycle_timestamp_seconds', 'Unix time of the data in the last complete cycle.');
  readonly cyclesSkipped = this.#counter(
    'cycles_skipped_total',
    'Cycles skipped because the previous one was still running or the clock jumped ahead.',
  );
  readonly cyclesFailed = this.#counter('cycles_failed_total', 'Cycles that failed.');
  readonly queryFailures = this.#counter('query_failures_total', 'Prometheus queries that failed, by error code.', [
    'code',
  ]);
  readonly seriesRejected = this.#counter(
    'series_rejected_total',
    'Series in answers of Prometheus that the scorer cannot use, by reason. Each counts once per cycle.',
    ['reason'],
  );
  readonly samplesWritten = this.#counter(
    'samples_written_total',
    'Samples accepted by a remote-write receiver.',
    TARGET,
  );
  readonly writeFailures = this.#counter('write_failures_total', 'Remote-write requests that failed, by error code.', [
    ...TARGET,
    'code',
  ]);
  readonly samplesDropped = this.#counter('samples_dropped_total', 'Samples dropped instead of written, by reason.', [
    ...TARGET,
    'reason',
  ]);
  readonly modelAge = this.#gauge('model_age_seconds', 'Time since the profiles in use were last learned.');
  readonly trainingDuration = this.#gauge('training_duration_seconds', 'Duration of the last training run.');
  readonly trainingFailures = this.#counter('training_failures_total', 'Training runs that failed.');
  readonly trainingProgress = this.#gauge(
    'training_progress_ratio',
    'Progress of each phase of the current or last training run, 0 to 1.',
    ['phase'],
  );
  readonly learningLeft = this.#gauge(
    'learning_seconds_left',
    'Time until every service without a score has the minimum history to learn from.',
  );
  readonly modelDamaged = this.#gauge('model_damaged', '1 if a saved model or profiles file is damaged, else 0.');
  readonly configReloaded = this.#gauge(
    'config_last_reload_successful',
    '1 if the last configuration reload succeeded, else 0.',
  );
  readonly problem = this.#gauge(
    'problem',
    '1 for each problem that lorikeet-scorer doctor would report, by check and severity (error, warning).',
    ['check', 'severity'],
  );
  readonly cycleDuration = this.#histogram('cycle_duration_seconds', 'Duration of a cycle, by phase.', ['phase']);
  readonly detectorDuration = this.#histogram('detector_duration_seconds', 'Duration of a detector in a cycle.', [
    'detector',
  ]);
  readonly queryDuration = this.#histogram('query_duration_seconds', 'Duration of a Prometheus query, by query.', [
    'query',
  ]);

  constructor() {
    collectProcessMetrics(this.registry, 'lorikeet_scorer_');
    this.configReloaded.set(1);
    this.modelDamaged.set(0);
    for (const reason of Object.keys(REJECTIONS)) this.seriesRejected.inc({ reason }, 0);
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
