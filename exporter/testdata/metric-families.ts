import { readFields, type Field } from '../../test/testserver/protobuf-reader.ts';

/** A metric as in the text format, and the native buckets of a histogram by the upper bound, that of zero included. */
export interface Decoded {
  readonly samples: Readonly<Record<string, number>>;
  readonly types: Readonly<Record<string, bigint>>;
  readonly native: Readonly<Record<string, Readonly<Record<number, number>>>>;
}

const number = (field: Field | undefined): number => {
  if (field === undefined || field.wire === 'bytes') return 0;
  if (field.wire === 'varint') return Number(field.value);
  return new Float64Array(BigUint64Array.of(field.value).buffer)[0] ?? 0;
};
const bytes = (field: Field | undefined): Uint8Array => (field?.wire === 'bytes' ? field.value : new Uint8Array());
const text = (field: Field | undefined): string => Buffer.from(bytes(field)).toString();
const zigzag = (value: bigint): number => Number((value >> 1n) ^ -(value & 1n));

/** The fields of a message by number. */
function fieldsOf(message: Uint8Array): (id: number) => readonly Field[] {
  const fields = readFields(message);
  return (id) => fields.filter((field) => field.number === id);
}

function varints(message: Uint8Array): bigint[] {
  // As fields of number 1, each with its tag.
  const values: bigint[] = [];
  for (let at = 0; at < message.length;) {
    let end = at;
    while ((message[end] ?? 0) >= 0x80) end++;
    const [field] = readFields(Buffer.concat([Buffer.of(8), message.subarray(at, end + 1)]));
    values.push(field?.wire === 'varint' ? field.value : 0n);
    at = end + 1;
  }
  return values;
}

/** Reads delimited MetricFamily messages. Independent of the encoder. */
export function decodeFamilies(body: Uint8Array): Decoded {
  const samples: Record<string, number> = {};
  const types: Record<string, bigint> = {};
  const native: Record<string, Record<number, number>> = {};
  for (let at = 0; at < body.length;) {
    // A length-delimited field of number 1, but for the tag.
    let length = 0;
    let shift = 1;
    for (; ; shift *= 128) {
      const byte = body[at++] ?? 0;
      length += (byte % 128) * shift;
      if (byte < 128) break;
    }
    const family = fieldsOf(body.subarray(at, at + length));
    at += length;
    const name = text(family(1)[0]);
    types[name] = BigInt(number(family(3)[0]));
    for (const encoded of family(4)) {
      const metric = fieldsOf(bytes(encoded));
      const labels = metric(1).map((pair) => {
        const of = fieldsOf(bytes(pair));
        const value = text(of(2)[0]).replaceAll(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
        return `${text(of(1)[0])}="${value}"`;
      });
      const series = (suffix: string, ...more: readonly string[]): string => {
        const all = [...labels, ...more].join(',');
        return all === '' ? name + suffix : `${name}${suffix}{${all}}`;
      };
      for (const value of [...metric(2), ...metric(3)]) samples[series('')] = number(fieldsOf(bytes(value))(1)[0]);
      for (const encodedHistogram of metric(7)) {
        const histogram = fieldsOf(bytes(encodedHistogram));
        const count = number(histogram(1)[0]);
        for (const bucket of histogram(3)) {
          const of = fieldsOf(bytes(bucket));
          samples[series('_bucket', `le="${number(of(2)[0])}"`)] = number(of(1)[0]);
        }
        samples[series('_bucket', 'le="Infinity"')] = count;
        samples[series('_sum')] = number(histogram(2)[0]);
        samples[series('_count')] = count;
        if (histogram(6).length > 0) native[series('')] = nativeBuckets(histogram);
      }
    }
  }
  return { samples, types, native };
}

function nativeBuckets(histogram: (id: number) => readonly Field[]): Record<number, number> {
  if (number(histogram(5)[0]) !== 0) throw new Error('a schema other than 0');
  const buckets: Record<number, number> = { [number(histogram(6)[0])]: number(histogram(7)[0]) };
  const deltas = histogram(13).flatMap((field) => varints(bytes(field)).map(zigzag));
  let index = 0;
  let count = 0;
  for (const span of histogram(12)) {
    const of = fieldsOf(bytes(span));
    const offset = of(1)[0];
    index += zigzag(offset?.wire === 'varint' ? offset.value : 0n);
    for (let left = number(of(2)[0]); left > 0; left--, index++) {
      count += deltas.shift() ?? Number.NaN;
      // Above the largest float: Infinity, as Prometheus has it.
      buckets[2 ** index] = count;
    }
  }
  if (deltas.length > 0) throw new Error('more deltas than buckets');
  return buckets;
}
