import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { PROTOCOLS, protocolName } from './protocols.ts';

test('the names are in the order of the kernel programs', () => {
  const header = readFileSync('bpf/shared/protocols.h', 'utf8');
  const names = [...header.matchAll(/^ {4}PROTOCOL_(\w+),/gm)].map(([, name = '']) => name.toLowerCase());
  expect(PROTOCOLS).toEqual(names);
  expect([protocolName(2), protocolName(99)]).toEqual(['http1', 'unknown']);
});
