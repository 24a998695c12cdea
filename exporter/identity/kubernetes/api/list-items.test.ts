import { describe, expect, it } from 'vitest';
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
