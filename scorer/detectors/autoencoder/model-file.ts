import { createHash } from 'node:crypto';
import { type AutoencoderWeights, parameterCount } from './weights.ts';
import { writeAtomically } from '../../../daemon/files/atomic-write.ts';
import { FileError, readStateFile } from '../../../daemon/files/read-file.ts';
import { decodeAutoencoder, encodeAutoencoder } from './codec.ts';
import { type ModelCard, type ModelCardDraft, modelCardSchema } from './model-card.ts';

/** A model's ONNX file or its card is missing, truncated, altered, or they don't belong together. */
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

/** SHA-256 of the ONNX file with these weights, hexadecimal. It identifies a model. */
export function modelChecksum(weights: AutoencoderWeights): string {
  return sha256(encodeAutoencoder(weights));
}

/**
 * Saves a model as `<name>.onnx` and its card as `<name>.json`, replacing existing files. The card is renamed into
 * place first, so that a new model never appears without its card.
 *
 * @param path path of the ONNX file; missing directories are created
 * @throws ModelFileError if the card describes other inputs than the model takes
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
 * Reads a model and its card; undefined if neither exists.
 *
 * @throws ModelFileError if one of them is missing, unreadable or damaged
 */
export async function loadModel(path: string): Promise<SavedModel | undefined> {
  const [bytes, cardText] = [readIfPresent(path), readIfPresent(path, cardPath(path))];
  if (bytes === undefined && cardText === undefined) return undefined;
  if (bytes === undefined) throw new ModelFileError(path, `missing, though its card ${cardPath(path)} exists`);
  if (cardText === undefined) throw new ModelFileError(path, `its card ${cardPath(path)} is missing`);
  const card = parseCard(path, cardText.toString('utf8'));
  const checksum = sha256(bytes);
  if (checksum !== card.sha256)
    throw new ModelFileError(path, `sha256 is ${checksum}, expected ${card.sha256} from its card`);
  const weights = decode(path, bytes);
  assertFits(path, card, weights);
  return { card, weights, bytes };
}

/** Path of the card of the model in `path`. */
export function cardPath(path: string): string {
  return `${path.replace(/\.onnx$/, '')}.json`;
}

function decode(path: string, bytes: Uint8Array): AutoencoderWeights {
  try {
    return decodeAutoencoder(bytes);
  } catch (cause) {
    throw new ModelFileError(path, `not a Lorikeet model: ${(cause as Error).message}`);
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

/** @param file of the model `path`: its own, or its card */
function readIfPresent(path: string, file = path): Buffer | undefined {
  try {
    return readStateFile(file);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const { problem } = error;
    throw new ModelFileError(path, file === path ? problem : `its card ${file}: ${problem}`);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
