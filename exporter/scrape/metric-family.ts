import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { ProtobufWriter } from '../../daemon/wire/protobuf.ts';
import { NANOSECONDS, type FamilyType, type Series } from './exposition.ts';
import { FIRST_EXPONENT, HISTOGRAM_BUCKETS } from './histogram.ts';

/**
 * Fields of Prometheus' metrics.proto.
 * https://github.com/prometheus/client_model/blob/v0.6.3/io/prometheus/client/metrics.proto
 */
export const FAMILY = { name: 1, help: 2, type: 3, metric: 4 } as const;
const METRIC = { label: 1, gauge: 2, counter: 3, histogram: 7 } as const;
const LABEL = { name: 1, value: 2 } as const;
/** Of gauges and counters alike. */
const VALUE = 1;
const HISTOGRAM = {
  count: 1,
  sum: 2,
  bucket: 3,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  positiveSpan: 12,
  positiveDelta: 13,
} as const;
const BUCKET = { cumulativeCount: 1, upperBound: 2 } as const;
const SPAN = { offset: 1, length: 2 } as const;

/** `enum MetricType`. */
export const TYPES = { counter: 0, gauge: 1, histogram: 4 } as const;

/** Each bucket's upper bound is a power of two. */
const SCHEMA = 0;
/** Buckets 1 to 21 are the native ones of -15 to 5: their index is the exponent of the upper bound. */
const FIRST_NATIVE = FIRST_EXPONENT + 1;
const FINITE = HISTOGRAM_BUCKETS - 1;
const BOUNDS = Array.from({ length: FINITE }, (_, index) => 2 ** (FIRST_EXPONENT + index));
/** The native bucket whose upper bound is +Inf, above that of the largest float. */
const INFINITE = 1025;

const [QUOTE, BACKSLASH, CLOSING] = [34, 92, 125];

/** Writes the labels of `name{labels} `. */
export function writeLabels(writer: ProtobufWriter, line: Series): void {
  let at = line.indexOf('{') + 1;
  if (at === 0) return;
  while (line.charCodeAt(at) !== CLOSING) {
    const equals = line.indexOf('=', at);
    const start = equals + 2;
    let end = start;
    let escaped = false;
    for (; line.charCodeAt(end) !== QUOTE; end++) {
      if (line.charCodeAt(end) !== BACKSLASH) continue;
      escaped = true;
      end++;
    }
    const label = writer.open(METRIC.label);
    writer.latin1(LABEL.name, line, at, equals);
    if (escaped) writer.latin1(LABEL.value, unescape(line.slice(start, end)));
    else writer.latin1(LABEL.value, line, start, end);
    writer.close(label);
    at = line[end + 1] === ',' ? end + 2 : end + 1;
  }
}

/** The opposite of `escape` of daemon/labels.ts. */
function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}

export function writeValue(writer: ProtobufWriter, type: FamilyType, value: number): void {
  const start = writer.open(type === 'counter' ? METRIC.counter : METRIC.gauge);
  writer.double(VALUE, value);
  writer.close(start);
}

/** The histogram that starts at word `offset`, in the layout of `struct histogram`, with classic and native buckets. */
export function writeHistogram(writer: ProtobufWriter, words: Float64Array, offset: number): void {
  const histogram = writer.open(METRIC.histogram);
  let count = 0;
  for (let index = 0; index < FINITE; index++) {
    count += words[offset + 1 + index] ?? 0;
    writeBucket(writer, count, BOUNDS[index] as number);
  }
  count += words[offset + HISTOGRAM_BUCKETS] ?? 0;
  writer.varint(HISTOGRAM.count, count).double(HISTOGRAM.sum, (words[offset] ?? 0) / NANOSECONDS);
  writer.zigzag(HISTOGRAM.schema, SCHEMA);
  // The first bucket has all durations up to its bound, however short.
  writer.double(HISTOGRAM.zeroThreshold, 2 ** FIRST_EXPONENT).varint(HISTOGRAM.zeroCount, words[offset + 1] ?? 0);
  writeNativeBuckets(writer, words, offset);
  writer.close(histogram);
}

function writeBucket(writer: ProtobufWriter, count: number, bound: number): void {
  const bucket = writer.open(HISTOGRAM.bucket);
  writer.varint(BUCKET.cumulativeCount, count).double(BUCKET.upperBound, bound);
  writer.close(bucket);
}

/** One span from the first to the last bucket with counts, and one for the durations without a finite bound. */
function writeNativeBuckets(writer: ProtobufWriter, words: Float64Array, offset: number): void {
  const countOf = (bucket: number): number => words[offset + 1 + bucket] ?? 0;
  let [first, last] = [1, FINITE - 1];
  while (first < FINITE && countOf(first) === 0) first++;
  while (last >= first && countOf(last) === 0) last--;
  const deltas: number[] = [];
  let previous = 0;
  const add = (count: number): void => {
    deltas.push(count - previous);
    previous = count;
  };
  // Index of the native bucket after the last span.
  let next = 0;
  if (first < FINITE) {
    writeSpan(writer, FIRST_NATIVE + first - 1, last - first + 1);
    for (let bucket = first; bucket <= last; bucket++) add(countOf(bucket));
    next = FIRST_NATIVE + last;
  }
  const infinite = countOf(FINITE);
  if (infinite > 0) {
    writeSpan(writer, INFINITE - next, 1);
    add(infinite);
  }
  if (deltas.length > 0) writer.packedZigzags(HISTOGRAM.positiveDelta, deltas);
}

function writeSpan(writer: ProtobufWriter, offset: number, length: number): void {
  const span = writer.open(HISTOGRAM.positiveSpan);
  writer.zigzag(SPAN.offset, offset).varint(SPAN.length, length);
  writer.close(span);
}

type OwnFamily = MetricObjectWithValues<MetricValue<string>>;
type OwnValue = OwnFamily['values'][number] & { readonly metricName?: string };

/** Writes a family of prom-client: counters, gauges and classic histograms. */
export function writeOwnFamily(writer: ProtobufWriter, { name, help, type, values }: OwnFamily): void {
  if (values.length === 0) return;
  const kind = String(type) as FamilyType;
  const family = writer.open();
  writer.string(FAMILY.name, name).string(FAMILY.help, help).varint(FAMILY.type, TYPES[kind]);
  for (const rows of kind === 'histogram' ? byLabels(name, values) : values.map((value) => [value])) {
    const metric = writer.open(FAMILY.metric);
    for (const [label, value] of Object.entries(rows[0]?.labels ?? {})) {
      if (kind === 'histogram' && label === 'le') continue;
      const start = writer.open(METRIC.label);
      writer.string(LABEL.name, label).string(LABEL.value, String(value));
      writer.close(start);
    }
    if (kind === 'histogram') writeOwnHistogram(writer, name, rows);
    else writeValue(writer, kind, rows[0]?.value ?? 0);
    writer.close(metric);
  }
  writer.close(family);
}

/** The rows of each histogram of a family: prom-client ends each with its count. */
function byLabels(name: string, values: readonly OwnValue[]): OwnValue[][] {
  const histograms: OwnValue[][] = [];
  let rows: OwnValue[] = [];
  for (const value of values) {
    rows.push(value);
    if (value.metricName !== `${name}_count`) continue;
    histograms.push(rows);
    rows = [];
  }
  return histograms;
}

function writeOwnHistogram(writer: ProtobufWriter, name: string, rows: readonly OwnValue[]): void {
  const histogram = writer.open(METRIC.histogram);
  for (const { metricName, labels, value } of rows) {
    if (metricName === `${name}_sum`) writer.double(HISTOGRAM.sum, value);
    else if (metricName === `${name}_count`) writer.varint(HISTOGRAM.count, value);
    else writeBucket(writer, value, labels['le'] === '+Inf' ? Infinity : Number(labels['le']));
  }
  writer.close(histogram);
}
