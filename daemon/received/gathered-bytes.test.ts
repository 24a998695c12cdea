import { expect, test } from 'vitest';
import { GatheredBytes } from './gathered-bytes.ts';

test('holds what was pushed since the last take, in whatever chunks', () => {
  const gathered = new GatheredBytes();
  const text = 'ünïcode '.repeat(2000);
  for (const byte of Buffer.from(text)) gathered.push(Uint8Array.of(byte));
  expect(gathered.length).toBe(Buffer.byteLength(text));
  expect(gathered.take().toString()).toBe(text);
  expect(gathered.length).toBe(0);
  gathered.push(Buffer.from('next'));
  expect(gathered.take().toString()).toBe('next');
  expect(gathered.take()).toHaveLength(0);
});

test('drops bytes from the start', () => {
  const gathered = new GatheredBytes();
  gathered.push(Buffer.from('abcdef'));
  gathered.drop(2);
  gathered.push(Buffer.from('gh'));
  expect(gathered.bytes.toString()).toBe('cdefgh');
  gathered.drop(9);
  expect(gathered).toHaveLength(0);
});
