import { z } from 'zod';
import type { Feature } from '../features/features.ts';

/** What was learned can't be used; the message says why. */
export class LearnedFileError extends Error {
  readonly code = 'LEARNED_FILE';
  override readonly name = 'LearnedFileError';
}

/** The JSON of what a detector without a network learned, with the features that it is for. */
export function renderLearned(detector: string, features: readonly Feature[], learned: object): Uint8Array {
  return Buffer.from(JSON.stringify({ detector, features: features.map(({ name }) => name), learned }));
}

/**
 * The inverse of `renderLearned`.
 *
 * @throws LearnedFileError when it is damaged, another detector's, or for other features
 */
export function parseLearned<T>(
  detector: string,
  bytes: Uint8Array,
  features: readonly Feature[],
  schema: z.ZodType<T>,
): T {
  const file = z.strictObject({ detector: z.literal(detector), features: z.array(z.string()), learned: schema });
  const parsed = file.safeParse(parseJson(bytes));
  if (!parsed.success) throw new LearnedFileError(`not a file of ${detector}: ${z.prettifyError(parsed.error)}`);
  const names = features.map(({ name }) => name).join();
  if (parsed.data.features.join() !== names) throw new LearnedFileError('it was learned on another list of features');
  return parsed.data.learned as T;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new LearnedFileError('it is not JSON', { cause });
  }
}
