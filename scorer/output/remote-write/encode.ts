import snappy from 'snappyjs';
import { ProtobufWriter } from '../../../daemon/wire/protobuf.ts';
import type { Sample, SeriesSample } from './sample.ts';

/** The stale marker, https://github.com/prometheus/prometheus/blob/main/model/value/value.go */
export const STALE_NAN = 0x7ff0000000000002n;
/** A NaN that isn't the stale marker: JavaScript doesn't specify the payload of the NaN that it writes. */
const NORMAL_NAN = 0x7ff8000000000001n;

/** The samples of one series: at least one, in time order. */
export type Series = readonly [SeriesSample, ...SeriesSample[]];

/** Groups samples by series, in time order. Of two samples with the same timestamp, the later in `samples` is kept. */
export function groupBySeries(samples: readonly SeriesSample[]): readonly Series[] {
  const byKey = new Map<string, [SeriesSample, ...SeriesSample[]]>();
  for (const one of samples) {
    const known = byKey.get(one.key);
    if (known === undefined) byKey.set(one.key, [one]);
    else insert(known, one);
  }
  return [...byKey.values()];
}

function insert(samples: SeriesSample[], one: SeriesSample): void {
  const timeOf = (index: number) => samples[index]?.sample.timestampMs ?? Number.NEGATIVE_INFINITY;
  let at = samples.length;
  while (timeOf(at - 1) > one.sample.timestampMs) at--;
  const replaces = timeOf(at - 1) === one.sample.timestampMs;
  samples.splice(replaces ? at - 1 : at, replaces ? 1 : 0, one);
}

/**
 * Encodes a prometheus.WriteRequest of remote write 1.0 as protobuf in snappy's block format. The samples must be valid
 * (`violationOf`). https://prometheus.io/docs/specs/prw/remote_write_spec/
 */
export function encodeWriteRequest(samples: readonly SeriesSample[]): Uint8Array {
  const writer = new ProtobufWriter(samples.length * 160);
  for (const series of groupBySeries(samples)) writer.message(1, (into) => writeSeries(into, series));
  return snappy.compress(writer.finish());
}

function writeSeries(writer: ProtobufWriter, series: Series): void {
  for (const [name, value] of series[0].labels) writer.message(1, (into) => into.string(1, name).string(2, value));
  for (const { sample } of series) {
    writer.message(2, (into) => writeSample(into, sample));
  }
}

/** The fields of a Sample, which are the same in both versions. */
export function writeSample(writer: ProtobufWriter, sample: Sample): void {
  writeValue(writer, sample);
  writer.varint(2, sample.timestampMs);
}

function writeValue(writer: ProtobufWriter, { value, stale }: Sample): void {
  if (stale === true) writer.fixed64(1, STALE_NAN);
  else if (Number.isNaN(value)) writer.fixed64(1, NORMAL_NAN);
  else writer.double(1, value);
}
