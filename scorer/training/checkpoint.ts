import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import { z } from 'zod';
import { writeAtomically } from '../../daemon/files/atomic-write.ts';
import { FileError, readStateFile } from '../../daemon/files/read-file.ts';
import { setAside } from '../../daemon/files/set-aside.ts';
import type { TrainingState } from './train-network.ts';

/** An unfinished training run: its setup and its state. */
export interface Checkpoint {
  /** Fingerprint of the run's options: equal for equal options. */
  readonly setup: string;
  /** Start of the training data, milliseconds since the epoch. */
  readonly fromMs: number;
  /** End of the training data, milliseconds since the epoch. */
  readonly toMs: number;
  /** Digest of the windows: Prometheus may return other data for the same time later. */
  readonly windows: string;
  readonly state: TrainingState;
}

const FORMAT = 1;
const DIGEST_BYTES = 32;

const floats = z.instanceof(Float32Array);
const checkpointSchema = z.object({
  format: z.literal(FORMAT),
  setup: z.string(),
  fromMs: z.number(),
  toMs: z.number(),
  windows: z.string(),
  state: z.object({
    optimiser: z.object({ weights: floats, firstMoment: floats, secondMoment: floats, step: z.number() }),
    random: z.object({ state: z.number(), spare: z.number().or(z.undefined()) }),
    order: z.instanceof(Uint32Array),
    best: z.object({ weights: floats, epoch: z.number(), loss: z.number().or(z.undefined()) }),
    history: z.array(
      z.object({
        epoch: z.number(),
        epochs: z.number(),
        trainingLoss: z.number(),
        validationLoss: z.number().or(z.undefined()),
        best: z.boolean(),
      }),
    ),
  }),
});

/** Saves a checkpoint atomically: a SHA-256, then the checkpoint in V8's serialisation, which is exact for floats. */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const body = serialize({ format: FORMAT, ...checkpoint });
  await writeAtomically([{ path, content: Buffer.concat([digest(body), body]) }]);
}

/** Loads a checkpoint; undefined if there is none, or if it is unreadable, damaged or of another version. */
export async function loadCheckpoint(path: string): Promise<Checkpoint | undefined> {
  const bytes = readOrSetAside(path);
  if (bytes === undefined) return undefined;
  const body = bytes.subarray(DIGEST_BYTES);
  if (!digest(body).equals(bytes.subarray(0, DIGEST_BYTES))) return undefined;
  return checkpointSchema.safeParse(deserialize(body)).data;
}

/** What cannot be read must not be in the way of the next checkpoint. */
function readOrSetAside(path: string): Buffer | undefined {
  try {
    return readStateFile(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    setAside(path);
    return undefined;
  }
}

export async function removeCheckpoint(path: string): Promise<void> {
  await rm(path, { force: true });
}

function digest(body: Uint8Array): Buffer {
  return createHash('sha256').update(body).digest();
}
