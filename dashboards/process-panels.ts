import type { PanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { timeSeries } from './panels.ts';

export interface ProcessPanelOptions {
  readonly description: string;
  readonly span: number;
  /** Matchers for the programs' process metrics. */
  readonly matchers: string;
}

/** CPU usage of each instance of a program. */
export function processCpu({ description, span, matchers }: ProcessPanelOptions): PanelBuilder {
  return timeSeries({
    title: 'CPU',
    description,
    unit: 'short',
    span,
    min: 0,
    queries: {
      '{{instance}}': `sum by (instance) (rate(process_cpu_seconds_total{${matchers}}[$__rate_interval]))`,
    },
  });
}

/** Resident memory of each instance of a program. */
export function processMemory({ description, span, matchers }: ProcessPanelOptions): PanelBuilder {
  return timeSeries({
    title: 'Memory',
    description,
    unit: 'bytes',
    span,
    min: 0,
    queries: { '{{instance}}': `max by (instance) (process_resident_memory_bytes{${matchers}})` },
  });
}
