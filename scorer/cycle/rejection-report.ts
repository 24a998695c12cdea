import { renderLabels } from '../../daemon/labels.ts';
import { ConditionLog, type Logger } from '../../daemon/logger.ts';
import { type Rejection, REJECTIONS, type RejectedSeries } from '../fleet/rejected-series.ts';
import type { ScorerMetrics } from '../metrics.ts';

/** Counts the series of each cycle that the scorer can't use, and logs when there are some and when there are none. */
export class RejectionReport {
  readonly #rejected: RejectedSeries;
  readonly #metrics: ScorerMetrics | undefined;
  readonly #conditions: ConditionLog | undefined;

  constructor(rejected: RejectedSeries, metrics?: ScorerMetrics, logger?: Logger) {
    this.#rejected = rejected;
    this.#metrics = metrics;
    this.#conditions = logger && new ConditionLog(logger);
  }

  report(): void {
    this.#reportPartial();
    const found = new Map(this.#rejected.take().map((rejected) => [rejected.reason, rejected]));
    for (const reason of Object.keys(REJECTIONS) as Rejection[]) {
      const rejected = found.get(reason);
      if (rejected === undefined) {
        this.#conditions?.recovered(reason, 'no more series are rejected', { reason });
        continue;
      }
      this.#metrics?.seriesRejected.inc({ reason }, rejected.count);
      const fields = { reason, series: rejected.count, example: renderLabels(rejected.example) };
      this.#conditions?.failing(reason, 'series are rejected', REJECTIONS[reason], fields);
    }
  }

  /** Rules without the labels of the identity add up the services of all clusters, which no series shows. */
  #reportPartial(): void {
    const partial = this.#rejected.takePartial();
    if (partial === undefined) return this.#conditions?.recovered('partial', 'all series have identity.labels');
    const fields = { example: renderLabels(partial) };
    const advice = 'their services are scored without: render the rules with these labels';
    this.#conditions?.failing('partial', 'series lack a label of identity.labels', advice, fields);
  }
}
