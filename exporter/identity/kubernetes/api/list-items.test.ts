import { describe, expect, it } from 'vitest';
import { ProtocolError } from './api-error.ts';
import { ListItems } from './list-items.ts';

/** Reads `text` in chunks of `size` bytes. */
function read(text: string, size: number) {
  const items: unknown[] = [];
  const list = new ListItems((item) => items.push(item));
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += size) list.push(bytes.subarray(start, start + size));
  return { items, envelope: list.envelope() };
}

const ITEMS = [
  { metadata: { name: 'a', labels: {} }, spec: { ports: [[1, 2], []] } },
  { metadata: { name: 'quoted "}]\\' } },
  { metadata: { name: 'ünïcode ✓ {[' } },
  {},
];

describe.each([1, 2, 3, 7, 16, 1000])('ListItems in chunks of %i bytes', (size) => {
  it.each([
    [
      'in one line',
      JSON.stringify({ kind: 'PodList', metadata: { resourceVersion: '7', continue: 'x' }, items: ITEMS }),
    ],
    [
      'over many lines',
      JSON.stringify({ metadata: { resourceVersion: '7', continue: 'x' }, items: ITEMS }, undefined, 2),
    ],
    ['the items first', JSON.stringify({ items: ITEMS, metadata: { resourceVersion: '7', continue: 'x' } })],
  ])('returns items and envelope of a list, %s', (_name, text) => {
    const { items, envelope } = read(text, size);
    expect(items).toEqual(ITEMS);
    expect(envelope).toMatchObject({ metadata: { resourceVersion: '7', continue: 'x' }, items: [] });
  });

  it.each(['{"metadata":{"resourceVersion":"7"},"items":[]}', '{"metadata":{"resourceVersion":"7"},"items":null}'])(
    'reads %s as empty',
    (text) => expect(read(text, size)).toMatchObject({ items: [], envelope: { metadata: { resourceVersion: '7' } } }),
  );

  it.each(['{"metadata":{}', '{"items":[{"a":1}', '{"items":[{"a"1}]}'])('refuses %s', (text) =>
    expect(() => read(text, size)).toThrow(SyntaxError),
  );
});

describe('ListItems refuses, before it is in memory,', () => {
  const MIB = 'x'.repeat(2 ** 20);
  it.each([
    ['an endless item', '{"items":[{"a":"', MIB],
    ['an endless start', '{"metadata":"', MIB],
    ['an endless rest', '{"items":[],"metadata":"', MIB],
    ['an endless nesting', '{"items":[', '['],
  ])('%s', (_what, start, unit) => {
    const list = new ListItems(() => undefined);
    list.push(Buffer.from(start));
    let pushed = 0;
    const push = () => {
      for (; pushed < 1000; pushed++) list.push(Buffer.from(unit));
    };
    expect(push).toThrow(ProtocolError);
    expect(pushed).toBeLessThan(110);
  });
});
