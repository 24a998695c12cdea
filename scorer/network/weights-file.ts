import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { writeAtomically } from '../../daemon/files/atomic-write.ts';
import { FileError, readStateFile } from '../../daemon/files/read-file.ts';
import { ProtobufWriter } from '../../daemon/wire/protobuf.ts';
import type { Graph } from './graph.ts';
import { OnnxFormatError, readModel } from './onnx-reader.ts';
import { encodeModel } from './onnx.ts';
import { layoutSize, type ParameterLayout, parametersOf } from './parameters.ts';

/**
 * A trained network as an ONNX file: its inference graph with the weights, and metadata that determine the weights'
 * layout. Reading returns the metadata and the weights only: the program builds the graph that runs, not the file.
 */

/** The file isn't what `saveNetwork` wrote. */
export class NetworkFileError extends Error {
  readonly code = 'NETWORK_DAMAGED';
  override readonly name = 'NetworkFileError';
  readonly path: string;

  constructor(path: string, what: string, cause?: unknown) {
    super(`${path}: ${what}`, { cause });
    this.path = path;
  }
}

export interface StoredNetwork<T> {
  readonly metadata: T;
  /** All parameters, in the order of the layout. */
  readonly values: Float32Array;
}

/** A kind of network in files. */
export interface NetworkFormat<T> {
  /** Name of the inference graph. */
  readonly name: string;
  readonly schema: z.ZodType<T>;
  readonly layout: (metadata: T) => ParameterLayout;
}

/** Keys of the ONNX file's metadata. */
const NETWORK_KEY = 'lorikeet.network';
const DIGEST_KEY = 'lorikeet.sha256';

/**
 * Encodes a network as an ONNX file.
 *
 * @param graph the inference graph, which stores the parameters by their names
 */
export function encodeNetwork<T>({ name }: NetworkFormat<T>, graph: Graph, metadata: T): Uint8Array<ArrayBuffer> {
  return encodeModel(graph.toModel(name, { [NETWORK_KEY]: JSON.stringify(metadata) }));
}

/**
 * Decodes the weights in an ONNX file of `encodeNetwork`.
 *
 * @throws OnnxFormatError if the bytes aren't such a file
 */
export function decodeNetwork<T>({ schema, layout: layoutOf }: NetworkFormat<T>, bytes: Uint8Array): StoredNetwork<T> {
  const { tensors, metadata: texts } = readModel(bytes);
  const metadata = parseMetadata(schema, texts.get(NETWORK_KEY));
  const layout = layoutOf(metadata);
  // Checked before the allocation: the metadata may ask for any size.
  const size = layoutSize(layout);
  if (size * 4 > bytes.length) throw new OnnxFormatError(`${size} weights in ${bytes.length} bytes`);
  const values = new Float32Array(size);
  for (const { name, shape, data } of parametersOf(layout, values)) {
    const tensor = tensors.get(name);
    if (tensor?.shape.join() !== shape.join()) {
      const got = tensor?.shape.join() ?? 'nothing';
      throw new OnnxFormatError(`${name}: expected shape [${shape.join()}], got [${got}]`);
    }
    data.set(tensor.data);
  }
  return { metadata, values };
}

function parseMetadata<T>(schema: z.ZodType<T>, text: string | undefined): T {
  if (text === undefined) throw new OnnxFormatError(`no metadata ${NETWORK_KEY}`);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new OnnxFormatError(`metadata ${NETWORK_KEY} is malformed`, { cause });
  }
}

/** Writes a network with its digest, atomically; creates missing directories. */
export async function saveNetwork<T>(path: string, format: NetworkFormat<T>, graph: Graph, metadata: T): Promise<void> {
  const body = encodeNetwork(format, graph, metadata);
  await writeAtomically([{ path, content: Buffer.concat([body, digestEntry(body)]) }]);
}

/**
 * Reads a network back; undefined if there is none.
 *
 * @throws NetworkFileError if the file is damaged or holds another network
 */
export async function loadNetwork<T>(path: string, format: NetworkFormat<T>): Promise<StoredNetwork<T> | undefined> {
  const file = readIfPresent(path);
  if (file === undefined) return undefined;
  const body = file.subarray(0, Math.max(0, file.length - DIGEST_BYTES));
  if (!file.subarray(body.length).equals(digestEntry(body))) throw new NetworkFileError(path, 'its digest is wrong');
  try {
    return decodeNetwork(format, body);
  } catch (cause) {
    throw new NetworkFileError(path, 'not a network of this kind', cause);
  }
}

function readIfPresent(path: string): Buffer | undefined {
  try {
    return readStateFile(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new NetworkFileError(path, error.problem);
  }
}

/** The last metadata entry of the ONNX file: the SHA-256 of all bytes before it. */
function digestEntry(body: Uint8Array): Uint8Array {
  const digest = createHash('sha256').update(body).digest('hex');
  return new ProtobufWriter().message(14, (entry) => entry.string(1, DIGEST_KEY).string(2, digest)).finish();
}

const DIGEST_BYTES = digestEntry(new Uint8Array()).length;
