import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ProtobufWriter } from '../../../daemon/wire/protobuf.ts';
import type { RunningProgram } from '../../running-program.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { keeps } from '../table/keeps.ts';

const bench = new Bench();
afterAll(() => bench.remove());

const BASE = readFileSync('models/base.onnx');
const WEIGHTS = bench.write('weights.bin', new Uint8Array(1024));
const FLOAT = 1;
const INT64 = 7;

/** A tensor whose values are in another file. Field numbers: onnx.proto3. */
function elsewhere(writer: ProtobufWriter, type: number, location: string): ProtobufWriter {
  return writer
    .packedVarints(1, [1])
    .varint(2, type)
    .string(8, 'further')
    .message(13, (entry) => entry.string(1, 'location').string(2, location))
    .varint(14, 1);
}

/** The shipped model, with more in its graph: a repeated message of protobuf adds to the one before. */
function modelWith(graph: (writer: ProtobufWriter) => void): Buffer {
  return Buffer.concat([BASE, new ProtobufWriter().message(7, graph).finish()]);
}

async function start(name: string, model: Uint8Array): Promise<RunningProgram> {
  const card = JSON.parse(readFileSync('models/base.json', 'utf8')) as object;
  bench.write(`${name}/base.onnx`, model);
  const sha256 = createHash('sha256').update(model).digest('hex');
  bench.write(`${name}/base.json`, JSON.stringify({ ...card, sha256 }));
  const config = bench.write(`${name}/scorer.yaml`, `${LONELY_SCORER}base_model: base.onnx\n`);
  return bench.start('scorer', [`--config.file=${config}`]);
}

test.each([
  ['an absolute path', FLOAT, WEIGHTS],
  ['a path above its folder', FLOAT, '../weights.bin'],
  ['its own folder', FLOAT, 'weights.bin'],
  ['a device', INT64, '/dev/zero'],
  ['a file that does not exist', INT64, 'none'],
])(
  'a model with weights in another file, at %s, is refused in one line, and nothing is read',
  keeps('onnx'),
  async (at, type, location) => {
    const name = at.replaceAll(' ', '-');
    const model = modelWith((graph) => graph.message(5, (tensor) => elsewhere(tensor, type, location)));
    const scorer = await start(name, model);
    const named = scorer.log.filter((line) => line.includes(join(bench.folder, name, 'base.onnx')));
    expect(named).toHaveLength(1);
    expect(named[0]).toContain('not a Lorikeet model: its weights are in another file');
    await scorer.stop();
  },
);

test('a model whose operators read another file is used without them', keeps('onnx'), async () => {
  const model = modelWith((graph) =>
    graph.message(1, (node) =>
      node
        .string(2, 'unused')
        .string(4, 'Constant')
        .message(5, (attribute) =>
          attribute
            .string(1, 'value')
            .message(5, (tensor) => elsewhere(tensor, INT64, '/dev/zero'))
            .varint(20, 4),
        ),
    ),
  );
  const scorer = await start('operators', model);
  expect(scorer.log.filter((line) => line.includes('msg="model opened"'))).toHaveLength(1);
  await scorer.stop();
});

test.each([
  ['bytes without meaning', Buffer.alloc(1000, 0xff)],
  [
    'an operator that does not exist',
    modelWith((graph) => graph.message(1, (node) => node.string(4, 'Nonsense').string(2, 'x'))),
  ],
  ['half a model', BASE.subarray(0, BASE.length >> 1)],
])('a model of %s does not end the scorer', keeps('onnx'), async (what, model) => {
  const scorer = await start(what.replaceAll(' ', '-'), model);
  expect(await scorer.isHealthy()).toBe(true);
  await scorer.stop();
});
