import snappy from 'snappyjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startReceiver, type Receiver } from './receiver.ts';
import { decodeSnappyBlock } from './snappy-block.ts';

let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver();
});
afterAll(() => receiver.stop());

const HEADERS = {
  'content-encoding': 'snappy',
  'content-type': 'application/x-protobuf',
  'x-prometheus-remote-write-version': '0.1.0',
  'user-agent': 'test',
};
const NOW = Date.now();

/** A field of bytes; messages in these tests are below 128 bytes. */
const field = (number: number, content: readonly number[] | string) => {
  const bytes = typeof content === 'string' ? [...Buffer.from(content)] : content;
  return [number * 8 + 2, bytes.length, ...bytes];
};
const label = (name: string, value: string) => field(1, [...field(1, name), ...field(2, value)]);
const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const sample = (value: number, at = NOW) => {
  const bits = Buffer.alloc(8);
  bits.writeDoubleLE(value);
  return field(2, [0x09, ...bits, 0x10, ...varint(at)]);
};
const series = (...parts: readonly (readonly number[])[]) => field(1, parts.flat());
const block = (bytes: readonly number[]) => snappy.compress(Uint8Array.from(bytes));

async function post(body: Uint8Array, headers: Record<string, string> = {}): Promise<string> {
  const all = Object.entries({ ...HEADERS, ...headers }).filter(([, value]) => value !== '');
  const response = await fetch(receiver.url, {
    method: 'POST',
    headers: Object.fromEntries(all),
    body: new Uint8Array(body),
  });
  return `${response.status} ${await response.text()}`.trim();
}

const good = series(label('__name__', 'up'), label('a', 'b'), sample(1));

test('accepts valid samples, even twice', async () => {
  expect(await post(block(good))).toBe('204');
  expect(await post(block(good))).toBe('204');
  const bits = 0x3ff0000000000000n;
  expect(receiver.samples({ __name__: 'up', a: 'b' })).toEqual([{ bits, timestampMs: NOW }]);
});

test.each([
  ['no encoding', { 'content-encoding': '' }, 'header content-encoding'],
  ['another encoding', { 'content-encoding': 'gzip' }, 'header content-encoding'],
  ['no type', { 'content-type': 'text/plain' }, 'header content-type'],
  [
    'version 2',
    { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' },
    'header content-type',
  ],
  ['no version', { 'x-prometheus-remote-write-version': '' }, 'header x-prometheus-remote-write-version'],
])('refuses %s', async (_what, headers, reason) => {
  expect(await post(block(good), headers)).toMatch(new RegExp(`^400 ${reason}`));
});

test.each([
  ['unsorted labels', series(label('b', '1'), label('__name__', 'up'), sample(1)), 'label __name__ after b'],
  ['a label twice', series(label('__name__', 'up'), label('b', '1'), label('b', '2'), sample(1)), 'label b twice'],
  ['an empty value', series(label('__name__', 'up'), label('b', ''), sample(1)), 'empty label'],
  ['an empty name', series(label('', 'x'), label('__name__', 'up'), sample(1)), 'empty label'],
  ['a bad metric name', series(label('__name__', 'u-p'), sample(1)), 'invalid name'],
  ['a bad label name', series(label('__name__', 'up'), label('a-b', 'x'), sample(1)), 'invalid name'],
  ['no metric name', series(label('a', 'x'), sample(1)), 'without __name__'],
  ['no samples', series(label('__name__', 'up')), 'without samples'],
  ['seconds', series(label('__name__', 'up'), sample(1, Math.floor(NOW / 1000))), 'milliseconds'],
  ['an older sample', series(label('__name__', 'up'), label('a', 'b'), sample(1, NOW - 1)), 'out of order'],
  ['another value', series(label('__name__', 'up'), label('a', 'b'), sample(2)), 'duplicate sample'],
  ['unsorted samples', series(label('__name__', 'x'), sample(1, NOW), sample(1, NOW - 1)), 'unsorted samples'],
  [
    'a series twice',
    [...series(label('__name__', 'x'), sample(1)), ...series(label('__name__', 'x'), sample(1))],
    'series twice',
  ],
  ['an unknown field', [...good, ...field(4, 'x')], 'unknown field 4'],
  ['an unknown field of a sample', series(label('__name__', 'x'), field(2, [0x18, 1])), 'unknown field 3'],
  [
    'a value that is not UTF-8',
    series(label('__name__', 'x'), field(1, [...field(1, 'a'), ...field(2, [0xff])]), sample(1)),
    '',
  ],
  ['a message cut off', good.slice(0, -1), 'cut off'],
])('rejects %s and stores nothing of it', async (_name, message, reason) => {
  const before = receiver.accepted();
  const answer = await post(block([...series(label('__name__', 'other'), sample(1, NOW + before)), ...message]));
  expect(answer).toMatch(/^400 /);
  expect(answer).toContain(reason);
  expect(receiver.accepted()).toBe(before);
});

test('rejects bodies that are not a snappy block', async () => {
  expect(await post(Uint8Array.from(good))).toMatch(/^400 snappy/);
  expect(await post(block(good).slice(0, -3))).toMatch(/^400 snappy/);
  const framed = Uint8Array.from([0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]);
  expect(await post(framed)).toMatch(/^400 snappy/);
});

test('the block decoder agrees with the format description', () => {
  // A literal "ab", a copy of 6 from 2 back (one-byte offset), a copy of 3 from 8 back (two-byte offset).
  const text = decodeSnappyBlock(
    Uint8Array.from([11, 1 << 2, 0x61, 0x62, ((6 - 4) << 2) | 1, 2, ((3 - 1) << 2) | 2, 8, 0]),
  );
  expect(Buffer.from(text).toString()).toBe('abababababa');
  for (const bytes of [
    [],
    [0xff],
    [1],
    [1, 0],
    [2, 0, 65],
    [1, 4, 65, 66],
    [4, 0, 65, 1, 2],
    [1, 60 << 2, 0, 65, 65],
  ]) {
    expect(() => decodeSnappyBlock(Uint8Array.from(bytes)), String(bytes)).toThrow('snappy');
  }
});

const V2 = {
  'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  'x-prometheus-remote-write-version': '2.0.0',
};
const symbols = (...texts: readonly string[]) => texts.flatMap((text) => field(4, text));
const SYMBOLS = symbols('', '__name__', 'up2', 'a', 'b');
const GAUGE = field(5, [0x08, 2]);
const seriesV2 = (...parts: readonly (readonly number[])[]) => field(5, parts.flat());
const goodV2 = [...SYMBOLS, ...seriesV2(field(1, [1, 2, 3, 4]), sample(1), GAUGE)];

test('accepts valid samples of 2.0, and says how many', async () => {
  const response = await fetch(receiver.url, {
    method: 'POST',
    headers: { ...HEADERS, ...V2 },
    body: new Uint8Array(block(goodV2)),
  });
  expect(response.status).toBe(204);
  expect(response.headers.get('x-prometheus-remote-write-samples-written')).toBe('1');
  expect(receiver.samples({ __name__: 'up2', a: 'b' })).toHaveLength(1);
});

test.each([
  ['the message of 1.0', good, 'Request: unknown field 1'],
  ['a first symbol with text', [...symbols('x'), ...seriesV2()], 'the first symbol is "x"'],
  ['no symbol', seriesV2(field(1, [1, 2]), sample(1), GAUGE), 'the first symbol is undefined'],
  ['a symbol twice', [...symbols('', 'a', 'a')], 'a symbol twice'],
  ['a symbol after a series', [...goodV2, ...symbols('x')], 'a symbol after the first series'],
  [
    'a symbol of no use',
    [...SYMBOLS, ...symbols('x'), ...seriesV2(field(1, [1, 2, 3, 4]), sample(1), GAUGE)],
    'a symbol that',
  ],
  ['a reference to nothing', [...SYMBOLS, ...seriesV2(field(1, [1, 2, 3, 5]), sample(1), GAUGE)], 'no symbol 5'],
  [
    'a name without value',
    [...SYMBOLS, ...seriesV2(field(1, [1, 2, 3]), sample(1), GAUGE)],
    'a label name without value',
  ],
  ['an empty value', [...SYMBOLS, ...seriesV2(field(1, [1, 2, 3, 0]), sample(1), GAUGE)], 'empty label name or value'],
  ['unsorted labels', [...SYMBOLS, ...seriesV2(field(1, [3, 4, 1, 2]), sample(1), GAUGE)], 'label __name__ after a'],
  ['a series without samples', [...SYMBOLS, ...seriesV2(field(1, [1, 2, 3, 4]), GAUGE)], 'a series without samples'],
  ['a series without a type', [...SYMBOLS, ...seriesV2(field(1, [1, 2, 3, 4]), sample(1))], 'a series without a type'],
])('refuses 2.0 with %s', async (_what, body, reason) => {
  const answer = await post(block(body), V2);
  expect(answer.startsWith('400')).toBe(true);
  expect(answer).toContain(reason);
});
