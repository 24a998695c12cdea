import { LABEL_NAME } from '../../../daemon/labels.ts';

/** A sample to write. */
export interface Sample {
  /** The metric's name. */
  readonly name: string;
  /** Labels without `__name__`. A label with an empty value counts as absent, as in Prometheus. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestampMs: number;
  /** A stale marker, which ends the series; `value` is ignored. */
  readonly stale?: true;
}

export type Label = readonly [name: string, value: string];

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The violation of the remote-write specification; undefined for a valid sample. */
export function violationOf({ name, labels, timestampMs }: Sample): string | undefined {
  if (!METRIC_NAME.test(name)) return `metric name ${JSON.stringify(name)}`;
  for (const label of Object.keys(labels)) {
    if (!LABEL_NAME.test(label) || label === '__name__') return `label name ${JSON.stringify(label)}`;
  }
  return Number.isSafeInteger(timestampMs) && timestampMs >= 0 ? undefined : `timestamp ${timestampMs}`;
}

/** A sample with the identity of its series, computed once. */
export interface SeriesSample {
  readonly sample: Sample;
  /** Sorted by name, as the specification requires. */
  readonly labels: readonly Label[];
  /** Equal for two samples if and only if they belong to the same series. */
  readonly key: string;
}

export function identify(sample: Sample): SeriesSample {
  const labels: Label[] = [['__name__', sample.name]];
  for (const [label, value] of Object.entries(sample.labels)) if (value !== '') labels.push([label, value]);
  // Names are ASCII, so the order of UTF-16 units is that of bytes.
  labels.sort(([a], [b]) => (a < b ? -1 : 1));
  return { sample, labels, key: labels.map(([name, value]) => `${name}=${value.length}:${value}`).join(',') };
}
