import { readFields, readPacked, type Field } from './protobuf-reader.ts';

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

/**
 * Decodes io.prometheus.write.v2.Request of remote write 2.0 and validates it by the specification.
 * https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 *
 * @throws Error naming the violation
 */
export function decodeWriteRequestV2(message: Uint8Array): readonly ReceivedSeries[] {
  const symbols: string[] = [];
  const series: Uint8Array[] = [];
  for (const field of readFields(message)) {
    if (field.number === 4) {
      if (series.length > 0) throw new Error('a symbol after the first series');
      symbols.push(new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(field, 4, 'Request')));
    } else series.push(bytesOf(field, 5, 'Request'));
  }
  if (symbols[0] !== '') throw new Error(`the first symbol is ${JSON.stringify(symbols[0])}`);
  if (new Set(symbols).size !== symbols.length) throw new Error('a symbol twice');
  const used = new Set([0]);
  const decoded = series.map((one) =>
    readSeriesV2(one, (reference) => {
      const text = symbols[reference];
      if (text === undefined) throw new Error(`no symbol ${reference}`);
      used.add(reference);
      return text;
    }),
  );
  if (used.size !== symbols.length) throw new Error('a symbol that no series uses');
  return decoded;
}

function readSeriesV2(message: Uint8Array, symbol: (reference: number) => string): ReceivedSeries {
  const references: number[] = [];
  const samples: ReceivedSample[] = [];
  let type = 0;
  for (const field of readFields(message)) {
    if (field.number === 1) references.push(...readPacked(bytesOf(field, 1, 'TimeSeries')));
    else if (field.number === 2) samples.push(readSample(bytesOf(field, 2, 'TimeSeries')));
    else type = readMetadata(bytesOf(field, 5, 'TimeSeries'), symbol);
  }
  if (references.length % 2 !== 0) throw new Error('a label name without value');
  const texts = references.map(symbol);
  const labels = texts.flatMap((name, at): [string, string][] => (at % 2 === 0 ? [[name, texts[at + 1] ?? '']] : []));
  checkLabels(labels);
  if (samples.length === 0) throw new Error(`a series without samples: ${JSON.stringify(labels)}`);
  if (type === 0) throw new Error(`a series without a type: ${JSON.stringify(labels)}`);
  return { labels, samples };
}

/** The type of the metric, 0 if it isn't specified. */
function readMetadata(message: Uint8Array, symbol: (reference: number) => string): number {
  let type = 0;
  for (const field of readFields(message)) {
    if (field.wire !== 'varint') throw new Error(`Metadata: unknown field ${field.number} (${field.wire})`);
    if (field.number === 1) type = Number(field.value);
    else if (field.number === 3 || field.number === 4) symbol(Number(field.value));
    else throw new Error(`Metadata: unknown field ${field.number}`);
  }
  return type;
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
