import { readFields, type Field } from './protobuf-reader.ts';

export interface ReceivedSample {
  /** The bits of the double: a stale marker is a NaN with a special payload. */
  readonly bits: bigint;
  readonly timestampMs: number;
}

export interface ReceivedSeries {
  readonly labels: readonly (readonly [name: string, value: string])[];
  readonly samples: readonly ReceivedSample[];
}

/**
 * Decodes prometheus.WriteRequest of remote write 1.0 and validates its labels by the specification.
 * https://prometheus.io/docs/specs/prw/remote_write_spec/
 *
 * @throws Error naming the violation
 */
export function decodeWriteRequest(message: Uint8Array): readonly ReceivedSeries[] {
  return readFields(message).map((field) => readSeries(bytesOf(field, 1, 'WriteRequest')));
}

function readSeries(message: Uint8Array): ReceivedSeries {
  const labels: [string, string][] = [];
  const samples: ReceivedSample[] = [];
  for (const field of readFields(message)) {
    if (field.number === 2) samples.push(readSample(bytesOf(field, 2, 'TimeSeries')));
    else labels.push(readLabel(bytesOf(field, 1, 'TimeSeries')));
  }
  checkLabels(labels);
  if (samples.length === 0) throw new Error(`a series without samples: ${JSON.stringify(labels)}`);
  return { labels, samples };
}

function readLabel(message: Uint8Array): [string, string] {
  const texts: [string, string] = ['', ''];
  for (const field of readFields(message)) {
    if (field.number !== 1 && field.number !== 2) throw new Error(`Label: unknown field ${field.number}`);
    texts[field.number - 1] = new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(field, field.number, 'Label'));
  }
  return texts;
}

function readSample(message: Uint8Array): ReceivedSample {
  let bits = 0n;
  let timestampMs = 0;
  for (const field of readFields(message)) {
    if (field.number === 1 && field.wire === 'fixed64') bits = field.value;
    else if (field.number === 2 && field.wire === 'varint') timestampMs = Number(BigInt.asIntN(64, field.value));
    else throw new Error(`Sample: unknown field ${field.number} (${field.wire})`);
  }
  // Within 50 years of now: detects seconds or microseconds in place of milliseconds.
  if (Math.abs(timestampMs - Date.now()) > 50 * 365 * 86_400_000)
    throw new Error(`timestamp ${timestampMs} is not in milliseconds`);
  return { bits, timestampMs };
}

function checkLabels(labels: readonly (readonly [string, string])[]): void {
  let before = '';
  for (const [name, value] of labels) {
    if (name === '' || value === '') throw new Error(`empty label name or value: ${JSON.stringify([name, value])}`);
    if (name === before) throw new Error(`label ${name} twice`);
    if (Buffer.compare(Buffer.from(name), Buffer.from(before)) < 0) throw new Error(`label ${name} after ${before}`);
    const valid =
      name === '__name__' ? /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(value) : /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name);
    if (!valid) throw new Error(`invalid name: ${JSON.stringify(name === '__name__' ? value : name)}`);
    before = name;
  }
  if (!labels.some(([name]) => name === '__name__')) throw new Error('a series without __name__');
}

function bytesOf(field: Field, number: number, message: string): Uint8Array {
  if (field.number !== number || field.wire !== 'bytes')
    throw new Error(`${message}: unknown field ${field.number} (${field.wire})`);
  return field.value;
}
