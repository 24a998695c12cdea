/** A sample to be written. */
export interface Sample {
  /** The metric's name. */
  readonly name: string;
  /** Without `__name__`. A label whose value is empty counts as absent, as in Prometheus. */
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestampMs: number;
  /** Ends the series at this time; `value` doesn't matter then. */
  readonly stale?: true;
}

export type Label = readonly [name: string, value: string];

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** What the remote-write specification forbids about a sample; undefined where it may be sent. */
export function whyInvalid({ name, labels, timestampMs }: Sample): string | undefined {
  if (!METRIC_NAME.test(name)) return `metric name ${JSON.stringify(name)}`;
  for (const label of Object.keys(labels)) {
    if (!LABEL_NAME.test(label) || label === '__name__') return `label name ${JSON.stringify(label)}`;
  }
  return Number.isSafeInteger(timestampMs) && timestampMs >= 0 ? undefined : `timestamp ${timestampMs}`;
}

/** A sample with what tells its series from others, worked out once. */
export interface SeriesSample {
  readonly sample: Sample;
  /** Sorted by name, as the receiver must find them. */
  readonly labels: readonly Label[];
  /** Two samples share it if and only if they belong to one series. */
  readonly key: string;
}

export function identify(sample: Sample): SeriesSample {
  const labels: Label[] = [['__name__', sample.name]];
  for (const [label, value] of Object.entries(sample.labels)) if (value !== '') labels.push([label, value]);
  // Names are ASCII, where the order of UTF-16 units is the order of bytes.
  labels.sort(([a], [b]) => (a < b ? -1 : 1));
  return { sample, labels, key: labels.map(([name, value]) => `${name}=${value.length}:${value}`).join(',') };
}
