import { createHash } from 'node:crypto';
import { z } from 'zod';
import { figureSchema, type Profile } from './profile.ts';
import type { ColumnScaling } from '../../tensor/scaling.ts';
import { writeAtomically } from '../../../daemon/files/atomic-write.ts';
import { FileError, readStateFile } from '../../../daemon/files/read-file.ts';
import { isEdgeKey, isServiceKey } from '../../identity/service-key.ts';
import { parseJson } from '../saved-json.ts';

/** The profiles of all services and edges, with the model and the features that they belong to. */
export interface Profiles {
  /** SHA-256 of the model that the profiles were calibrated with. */
  readonly model: string;
  readonly features: readonly string[];
  readonly edgeFeatures: readonly string[];
  readonly windowsMs: readonly number[];
  readonly steps: readonly number[];
  readonly intervalMs: number;
  /** End of the normal period, milliseconds since the epoch. */
  readonly learnedAtMs: number;
  readonly services: ReadonlyMap<string, Profile>;
  readonly edges: ReadonlyMap<string, EdgeScalings>;
}

/** Scaling of each edge feature; undefined for a feature without any value. */
export type EdgeScalings = readonly (ColumnScaling | undefined)[];

const scalingSchema = z
  .union([
    z.tuple([z.number(), z.number()]),
    z.tuple([z.number(), z.number(), z.literal('drifts'), z.number(), z.number()]),
    z.tuple([z.number(), z.number(), z.number(), z.number()]),
  ])
  .nullable();
type PackedScaling = z.output<typeof scalingSchema>;
const documentSchema = z.strictObject({
  format: z.literal(5),
  model: z.string(),
  features: z.array(z.string()),
  edge_features: z.array(z.string()),
  windows_ms: z.array(z.number()),
  steps: z.array(z.number()),
  interval_ms: z.number(),
  learned_at_ms: z.number(),
  services: z.record(
    z.string().refine(isServiceKey),
    z.strictObject({
      scalings: z.array(scalingSchema),
      residual: z.array(figureSchema),
      deviation: z.array(figureSchema),
      threshold: z.number().positive(),
      windows: z.number(),
      days: z.number(),
      from: z.int(),
      to: z.int(),
    }),
  ),
  edges: z.record(z.string().refine(isEdgeKey), z.array(scalingSchema)),
});

/** The profiles file is unusable; the message names it. */
export class ProfilesError extends Error {
  readonly code = 'PROFILES_DAMAGED';
  override readonly name = 'ProfilesError';
}

/** Saves profiles atomically: a checksum line, then JSON. */
export async function saveProfiles(path: string, profiles: Profiles): Promise<void> {
  const body = JSON.stringify({
    format: 5,
    model: profiles.model,
    features: profiles.features,
    edge_features: profiles.edgeFeatures,
    windows_ms: profiles.windowsMs,
    steps: profiles.steps,
    interval_ms: profiles.intervalMs,
    learned_at_ms: profiles.learnedAtMs,
    services: Object.fromEntries(
      [...profiles.services].map(([key, profile]) => [
        key,
        {
          scalings: profile.scalings.map(pack),
          residual: profile.residual.map(round),
          deviation: profile.deviation.map(round),
          threshold: round(profile.threshold),
          windows: profile.windows,
          days: profile.days,
          from: profile.from,
          to: profile.to,
        },
      ]),
    ),
    edges: Object.fromEntries([...profiles.edges].map(([key, scalings]) => [key, scalings.map(pack)])),
  });
  await writeAtomically([{ path, content: `${checksum(body)}\n${body}\n` }]);
}

/**
 * Loads profiles.
 *
 * @returns undefined if there is no such file
 * @throws ProfilesError if the file is damaged or of another version
 */
export function loadProfiles(path: string): Profiles | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const [sum, body = ''] = text.split('\n', 2);
  if (sum !== checksum(body)) throw new ProfilesError(`${path}: checksum doesn't match`);
  const parsed = documentSchema.safeParse(parseJson(body));
  if (!parsed.success) throw new ProfilesError(`${path}: not a profiles file of this version`, { cause: parsed.error });
  const document = parsed.data;
  return {
    model: document.model,
    features: document.features,
    edgeFeatures: document.edge_features,
    windowsMs: document.windows_ms,
    steps: document.steps,
    intervalMs: document.interval_ms,
    learnedAtMs: document.learned_at_ms,
    services: new Map(
      Object.entries(document.services).map(([key, profile]) => [
        key,
        { ...profile, scalings: profile.scalings.map(unpack) },
      ]),
    ),
    edges: new Map(Object.entries(document.edges).map(([key, scalings]) => [key, scalings.map(unpack)])),
  };
}

function readText(path: string): string | undefined {
  try {
    return readStateFile(path)?.toString('utf8');
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ProfilesError(error.message);
  }
}

function pack(scaling: ColumnScaling | undefined): PackedScaling {
  if (scaling === undefined) return null;
  const { center, spread, drifts, response } = scaling;
  if (drifts !== undefined) return [round(center), round(spread), 'drifts', round(drifts.low), round(drifts.high)];
  if (response === undefined) return [round(center), round(spread)];
  return [round(center), round(spread), round(response.slope), round(response.uncertainty)];
}

function unpack(packed: PackedScaling): ColumnScaling | undefined {
  if (packed === null) return undefined;
  if (packed[2] === 'drifts') {
    const [center, spread, , low, high] = packed;
    return { center, spread, drifts: { low, high } };
  }
  const [center, spread, slope, uncertainty] = packed;
  if (slope === undefined || uncertainty === undefined) return { center, spread };
  return { center, spread, response: { slope, uncertainty } };
}

function round(value: number): number {
  return Number(value.toPrecision(7));
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
