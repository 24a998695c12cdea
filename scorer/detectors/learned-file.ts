import { createHash } from 'node:crypto';
import { z } from 'zod';

/** What was learned can't be used; the message says why. */
export class LearnedFileError extends Error {
  readonly code = 'LEARNED_FILE';
  override readonly name = 'LearnedFileError';
}

/** A file of what a detector learned, as JSON, with a checksum of it. */
export function renderLearned(detector: string, learned: object): Uint8Array {
  const text = JSON.stringify(learned);
  return Buffer.from(`{"detector":${JSON.stringify(detector)},"sha256":"${checksum(text)}","learned":${text}}\n`);
}

/**
 * The inverse of `renderLearned`.
 *
 * @throws LearnedFileError when it is damaged or another detector's
 */
export function parseLearned<T>(detector: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  const file = z.strictObject({ detector: z.literal(detector), sha256: z.string(), learned: z.unknown() });
  const outer = file.safeParse(parseJson(bytes));
  if (!outer.success) throw new LearnedFileError(`not a file of ${detector}`);
  const { sha256, learned } = outer.data;
  if (checksum(JSON.stringify(learned)) !== sha256) throw new LearnedFileError('the checksum is wrong');
  const parsed = schema.safeParse(learned);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new LearnedFileError(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new LearnedFileError('it is not JSON', { cause });
  }
}

function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Weights as text: float32, little-endian, base64. */
export function encodeWeights({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/**
 * The inverse of `encodeWeights`.
 *
 * @param size number of weights that the network has
 * @throws LearnedFileError if the text has another number
 */
export function decodeWeights(text: string, size: number): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  if (bytes.length !== 4 * size) throw new LearnedFileError(`${bytes.length} bytes of weights, expected ${4 * size}`);
  return new Float32Array(bytes.buffer);
}
