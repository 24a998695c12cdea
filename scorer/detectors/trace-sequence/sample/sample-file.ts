import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { EventSequence, Representative, TraceEvent } from '../events/events.ts';

/** A trace as the sample holds it: 16 bytes an event. */
export interface StoredTrace {
  readonly atMs: number;
  /** Index of the representative and flags: failed, entry, traced. */
  readonly codes: Uint32Array;
  readonly parents: Int32Array;
  readonly ownMs: Float32Array;
  readonly wayMs: Float32Array;
}

const FLAG_BITS = 3;

export function storeTrace({ atMs, events }: EventSequence, indexOf: (of: Representative) => number): StoredTrace {
  return {
    atMs,
    codes: Uint32Array.from(events, ({ representative, failed, entry, traced }) => {
      const flags = Number(failed) | (Number(entry) << 1) | (Number(traced) << 2);
      return (indexOf(representative) << FLAG_BITS) | flags;
    }),
    parents: Int32Array.from(events, ({ parent }) => parent),
    ownMs: Float32Array.from(events, ({ ownMs }) => ownMs),
    wayMs: Float32Array.from(events, ({ wayMs }) => wayMs),
  };
}

export function readTrace(
  { atMs, codes, parents, ownMs, wayMs }: StoredTrace,
  representatives: readonly Representative[],
): EventSequence {
  const events = Array.from(codes, (code, index): TraceEvent => {
    return {
      representative: representatives[code >>> FLAG_BITS]!,
      parent: parents[index]!,
      failed: (code & 1) > 0,
      entry: (code & 2) > 0,
      traced: (code & 4) > 0,
      ownMs: ownMs[index]!,
      wayMs: wayMs[index]!,
    };
  });
  return { atMs, events };
}

/** The traces of one root operation in one stretch of time, and how many there were. */
export interface StoredGroup {
  /** Start of the stretch, Unix time in milliseconds. */
  readonly fromMs: number;
  readonly seen: number;
  readonly traces: readonly StoredTrace[];
}

export interface SampleContent {
  readonly representatives: readonly Representative[];
  readonly groups: readonly StoredGroup[];
}

const DIGEST_BYTES = 32;
const LENGTH_BYTES = 4;
const EVENT_BYTES = 16;

const headerSchema = z.strictObject({
  /** Settings that made the events. */
  events: z.string(),
  representatives: z.array(z.strictObject({ key: z.string(), source: z.string().nullable(), destination: z.string() })),
  groups: z.array(
    z.strictObject({
      fromMs: z.number(),
      seen: z.number().positive(),
      /** Time and number of events of each trace. */
      traces: z.array(z.tuple([z.number(), z.int().positive()])),
    }),
  ),
});

/** SHA-256 of the rest, length of the header, header as JSON, and all events: codes, parents, own and way times. */
export function encodeSample(events: string, { representatives, groups }: SampleContent): Uint8Array {
  const header = Buffer.from(
    JSON.stringify({
      events,
      representatives: representatives.map(({ source = null, ...rest }) => ({ ...rest, source })),
      groups: groups.map((group) => ({
        ...group,
        traces: group.traces.map(({ atMs, codes }) => [atMs, codes.length]),
      })),
    }),
  );
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(header.length);
  const arrays = groups.flatMap(({ traces }) =>
    traces.flatMap(({ codes, parents, ownMs, wayMs }) => [codes, parents, ownMs, wayMs]),
  );
  const parts = arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength));
  const body = Buffer.concat([length, header, ...parts]);
  return Buffer.concat([digest(body), body]);
}

/** @returns the reason if it can't be used */
export function decodeSample(events: string, bytes: Buffer): SampleContent | string {
  const body = bytes.subarray(DIGEST_BYTES);
  if (body.length < LENGTH_BYTES || !digest(body).equals(bytes.subarray(0, DIGEST_BYTES))) return 'it is damaged';
  const start = LENGTH_BYTES + body.readUInt32LE(0);
  const header = headerSchema.safeParse(parseHeader(body.subarray(LENGTH_BYTES, start)));
  if (!header.success) return 'it is of another version';
  if (header.data.events !== events) return 'it was made with other order or patterns';
  const total = header.data.groups.flatMap(({ traces }) => traces).reduce((sum, [, length]) => sum + length, 0);
  if (body.length - start !== total * EVENT_BYTES) return 'it is damaged';
  // A copy, as typed arrays want their offset to be a multiple of 4.
  const { buffer } = Uint8Array.from(body.subarray(start));
  let offset = 0;
  const next = (length: number) => (offset += length * 4) - length * 4;
  const groups = header.data.groups.map(({ fromMs, seen, traces }) => ({
    fromMs,
    seen,
    traces: traces.map(([atMs, length]) => ({
      atMs,
      codes: new Uint32Array(buffer, next(length), length),
      parents: new Int32Array(buffer, next(length), length),
      ownMs: new Float32Array(buffer, next(length), length),
      wayMs: new Float32Array(buffer, next(length), length),
    })),
  }));
  const representatives = header.data.representatives.map(({ source, ...rest }) => ({
    ...rest,
    source: source ?? undefined,
  }));
  const known = representatives.length;
  const isKnown = ({ codes }: StoredTrace) => codes.every((code) => code >>> FLAG_BITS < known);
  return groups.every(({ traces }) => traces.every(isKnown)) ? { representatives, groups } : 'it is damaged';
}

function parseHeader(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function digest(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}
