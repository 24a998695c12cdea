import { z } from 'zod';
import { writeAtomically } from '../../../daemon/files/atomic-write.ts';
import { readSavedJson } from '../saved-json.ts';
import type { Feature } from '../../features/features.ts';
import { figureSchema } from '../profiles/profile.ts';
import type { LevelShift } from './levels.ts';
import type { Hour } from './trends.ts';

/** What has changed in services: new levels, and the hours in which slow growth is looked for. */
export interface Changes {
  readonly levels: ReadonlyMap<string, readonly LevelShift[]>;
  readonly hours: ReadonlyMap<string, readonly Hour[]>;
}

const documentSchema = z.strictObject({
  format: z.literal(1),
  features: z.array(z.string()),
  levels: z.record(
    z.string(),
    z.array(z.strictObject({ feature: z.int(), since: z.int(), accepted: z.int(), by: z.number() })),
  ),
  hours: z.record(z.string(), z.array(z.strictObject({ hour: z.int(), values: z.array(figureSchema) }))),
});

/** Saves changes atomically. */
export async function saveChanges(
  path: string,
  features: readonly Feature[],
  { levels, hours }: Changes,
): Promise<void> {
  const document = {
    format: 1,
    features: features.map(({ name }) => name),
    levels: Object.fromEntries(levels),
    hours: Object.fromEntries(
      [...hours].map(([key, of]) => [key, of.map(({ hour, values }) => ({ hour, values: values.map(round) }))]),
    ),
  };
  await writeAtomically([{ path, content: JSON.stringify(document) }]);
}

/** The file of changes is unusable; the message names it. */
export class ChangesError extends Error {
  override readonly name = 'ChangesError';
}

/**
 * Loads changes. Features are matched by name, so that a changed list of features loses only the removed ones.
 *
 * @returns no changes if there is no such file
 * @throws ChangesError if the file is unreadable, damaged or of another version
 */
export function loadChanges(path: string, features: readonly Feature[]): Changes {
  const saved = readSavedJson(path, documentSchema, 'not a file of changes of this version');
  if (saved === undefined) return { levels: new Map(), hours: new Map() };
  if ('unusable' in saved) throw new ChangesError(saved.unusable);
  const { document } = saved;
  const names = document.features;
  const indexes = features.map(({ name }) => names.indexOf(name));
  const levelsOf = (shifts: readonly LevelShift[]) =>
    shifts
      .map((shift) => ({ ...shift, feature: indexes.indexOf(shift.feature) }))
      .filter(({ feature }) => feature >= 0);
  const hoursOf = (hours: readonly Hour[]) =>
    hours.map(({ hour, values }) => ({ hour, values: indexes.map((index) => values[index] ?? NaN) }));
  return {
    levels: new Map(Object.entries(document.levels).map(([key, shifts]) => [key, levelsOf(shifts)])),
    hours: new Map(Object.entries(document.hours).map(([key, hours]) => [key, hoursOf(hours)])),
  };
}

function round(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(5)) : NaN;
}
