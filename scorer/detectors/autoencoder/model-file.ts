import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type AutoencoderWeights, parameterCount } from './weights.ts';
import { writeAtomically } from '../../../daemon/atomic-write.ts';
import { decodeAutoencoder, encodeAutoencoder } from './codec.ts';
import { type ModelCard, type ModelCardDraft, modelCardSchema } from './model-card.ts';

/** A model's files are not what was saved: cut off, altered, from another save, or one of the two is gone. */
export class ModelFileError extends Error {
  readonly code = 'MODEL_DAMAGED';
  override readonly name = 'ModelFileError';
  /** The ONNX file. */
  readonly path: string;

  constructor(path: string, what: string, cause?: unknown) {
    super(`${path}: ${what}`, { cause });
    this.path = path;
  }
}

export interface SavedModel {
  readonly card: ModelCard;
  readonly weights: AutoencoderWeights;
  /** The ONNX file, for `Autoencoder.load`. */
  readonly bytes: Uint8Array;
}

/** What names the weights: of the ONNX file that they make. */
export function modelChecksum(weights: AutoencoderWeights): string {
  return sha256(encodeAutoencoder(weights));
}

/**
 * Saves a model as `<name>.onnx` and its card `<name>.json`, replacing what is there. The card comes first: under a name
 * that was free, a model without a card is never seen.
 *
 * @param path of the ONNX file; missing directories are made.
 */
export async function saveModel(path: string, weights: AutoencoderWeights, draft: ModelCardDraft): Promise<ModelCard> {
  const bytes = encodeAutoencoder(weights);
  const parameters = parameterCount(weights.shape);
  const card = modelCardSchema.parse({ format: 1, ...draft, parameters, sha256: sha256(bytes) });
  assertFits(path, card, weights);
  await writeAtomically([
    { path: cardPath(path), content: `${JSON.stringify(card, null, 2)}\n` },
    { path, content: bytes },
  ]);
  return card;
}

/**
 * Reads a model back; undefined when there is none.
 *
 * @throws ModelFileError when there is one and it isn't whole.
 */
export async function loadModel(path: string): Promise<SavedModel | undefined> {
  const [bytes, cardText] = await Promise.all([readIfPresent(path), readIfPresent(cardPath(path))]);
  if (bytes === undefined && cardText === undefined) return undefined;
  if (bytes === undefined) throw new ModelFileError(path, 'missing beside its card');
  if (cardText === undefined) throw new ModelFileError(path, `its card ${cardPath(path)} is missing`);
  const card = parseCard(path, cardText.toString('utf8'));
  const checksum = sha256(bytes);
  if (checksum !== card.sha256) throw new ModelFileError(path, `sha256 is ${checksum}, its card says ${card.sha256}`);
  const weights = decode(path, bytes);
  assertFits(path, card, weights);
  return { card, weights, bytes };
}

/** Where the card of the model in `path` stands. */
export function cardPath(path: string): string {
  return `${path.replace(/\.onnx$/, '')}.json`;
}

function decode(path: string, bytes: Uint8Array): AutoencoderWeights {
  try {
    return decodeAutoencoder(bytes);
  } catch (cause) {
    throw new ModelFileError(path, 'not a model of this program', cause);
  }
}

function parseCard(path: string, text: string): ModelCard {
  try {
    return modelCardSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelFileError(path, `its card ${cardPath(path)} is malformed`, cause);
  }
}

function assertFits(path: string, card: ModelCard, { shape }: AutoencoderWeights): void {
  const described = [card.windows.length, card.steps.length, card.features.length].join(' x ');
  const held = [shape.channels, shape.steps, shape.features].join(' x ');
  if (described !== held)
    throw new ModelFileError(path, `the card describes ${described} inputs, the model takes ${held}`);
}

async function readIfPresent(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
