import { ProtobufWriter } from '../../daemon/wire/protobuf.ts';

/**
 * ONNX models as plain data, and their encoding. Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
 *
 * Operator set 21 takes the axes of every reduction as an input, as the graphs here need; IR version 10 was released
 * with it. onnxruntime reads both since 1.18.
 */
const IR_VERSION = 10;
const OPERATOR_SET = 21;

/** A fixed size, or the name of a size that is known at run time only. */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

export type OnnxType = 'float32' | 'int64';

export interface OnnxTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array;
}

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

export interface OnnxNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export interface OnnxValueInfo {
  readonly name: string;
  readonly shape: Shape;
  readonly type: OnnxType;
}

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValueInfo[];
  readonly outputs: readonly OnnxValueInfo[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** TensorProto.DataType. */
export const DATA_TYPES: Readonly<Record<OnnxType, number>> = { float32: 1, int64: 7 };

/** Encodes a model as an ONNX file. */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const weightBytes = model.initializers.reduce((sum, tensor) => sum + tensor.data.byteLength, 0);
  const writer = new ProtobufWriter(weightBytes + model.nodes.length * 128 + 1024)
    .varint(1, IR_VERSION)
    .string(2, 'lorikeet')
    .message(7, (graph) => writeGraph(graph, model))
    .message(8, (opset) => opset.string(1, '').varint(2, OPERATOR_SET));
  for (const [key, value] of Object.entries(model.metadata ?? {})) {
    writer.message(14, (entry) => entry.string(1, key).string(2, value));
  }
  return writer.finish();
}

function writeGraph(writer: ProtobufWriter, model: OnnxModel): void {
  for (const node of model.nodes) writer.message(1, (w) => writeNode(w, node));
  writer.string(2, model.name);
  for (const tensor of model.initializers) writer.message(5, (w) => writeTensor(w, tensor));
  for (const input of model.inputs) writer.message(11, (w) => writeValueInfo(w, input));
  for (const output of model.outputs) writer.message(12, (w) => writeValueInfo(w, output));
}

function writeNode(writer: ProtobufWriter, node: OnnxNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    writer.message(5, (w) => writeAttribute(w.string(1, name), value));
  }
}

/** The type numbers (field 20) are AttributeProto.AttributeType. */
function writeAttribute(writer: ProtobufWriter, value: OnnxAttribute): void {
  if ('float' in value) writer.float(2, value.float).varint(20, 1);
  else if ('int' in value) writer.varint(3, value.int).varint(20, 2);
  else if ('text' in value) writer.string(4, value.text).varint(20, 3);
  else writer.packedVarints(8, value.ints).varint(20, 7);
}

function writeTensor(writer: ProtobufWriter, tensor: OnnxTensor): void {
  const { data } = tensor;
  writer
    .packedVarints(1, tensor.shape)
    .varint(2, DATA_TYPES[data instanceof Float32Array ? 'float32' : 'int64'])
    .string(8, tensor.name)
    // raw_data is little-endian, as are all platforms of Node's prebuilt onnxruntime.
    .bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}

function writeValueInfo(writer: ProtobufWriter, value: OnnxValueInfo): void {
  writer.string(1, value.name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.varint(1, DATA_TYPES[value.type]).message(2, (shape) => {
        for (const size of value.shape) {
          shape.message(1, (w) => void (typeof size === 'number' ? w.varint(1, size) : w.string(2, size)));
        }
      }),
    ),
  );
}
