import { z } from 'zod';
import { writeAtomically } from '../../../daemon/files/atomic-write.ts';
import { readSavedJson } from '../saved-json.ts';
import type { GoneServices } from './gone-services.ts';

const streakSchema = z.strictObject({
  from: z.int(),
  to: z.int(),
  scores: z.array(z.number()).min(1).readonly(),
  bits: z.number(),
});
const goneSchema = z.strictObject({
  step: z.int(),
  score: z.number(),
  failing: z.boolean(),
  missedElsewhere: z.boolean(),
});
const documentSchema = z.strictObject({
  format: z.literal(1),
  interval_ms: z.number(),
  streaks: z.record(z.string(), streakSchema),
  missing: z.record(
    z.string(),
    z.strictObject({
      channel: z.int(),
      seen: z.int(),
      steps: z.int(),
      streak: streakSchema.optional(),
      removed: z.boolean().optional(),
      gone: goneSchema.optional(),
    }),
  ),
  returned: z.record(z.string(), z.strictObject({ times: z.int(), last: z.int() })),
});

/** Saves the gone services, and what decides about further ones, atomically. */
export async function saveGone(path: string, gone: GoneServices, intervalMs: number): Promise<void> {
  const document: z.input<typeof documentSchema> = {
    format: 1,
    interval_ms: intervalMs,
    streaks: Object.fromEntries(gone.streaks.entries),
    missing: Object.fromEntries(gone.missing),
    returned: Object.fromEntries(gone.returned),
  };
  await writeAtomically([{ path, content: JSON.stringify(document) }]);
}

/**
 * Loads the gone services of a saved file.
 *
 * @returns the reason why the file is unusable; undefined if it was loaded or doesn't exist
 */
export function loadGone(path: string, gone: GoneServices, intervalMs: number): string | undefined {
  const saved = readSavedJson(path, documentSchema, 'not a file of this version');
  if (saved === undefined) return undefined;
  if ('unusable' in saved) return saved.unusable;
  const { interval_ms: savedIntervalMs, streaks, missing, returned } = saved.document;
  if (savedIntervalMs !== intervalMs) return `${path}: of another interval`;
  for (const [key, streak] of Object.entries(streaks)) gone.streaks.set(key, streak);
  for (const [key, one] of Object.entries(missing)) gone.missing.set(key, one);
  for (const [key, one] of Object.entries(returned)) gone.returned.set(key, one);
  return undefined;
}
