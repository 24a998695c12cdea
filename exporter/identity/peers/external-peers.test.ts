import { expect, it } from 'vitest';
import { addressBytes } from './addresses.ts';
import { TestFolder } from '../../testdata/test-folder.ts';
import { EPHEMERAL_PORTS, ephemeralPorts, ExternalPeers, OTHER_LOOPBACK, OTHER_PEERS } from './external-peers.ts';

const folder = new TestFolder();

const bytes = (text: string): string => addressBytes(text) as string;

it('names the first peers, then counts all as other, and reuses freed names', () => {
  const peers = new ExternalPeers(2);
  const first = peers.name(bytes('192.0.2.1'), 443);
  expect(first).toEqual({ service: '192.0.2.1', port: '443' });
  expect(peers.name(bytes('2001:db8::1'), 443)).toEqual({ service: '2001:db8::1', port: '443' });
  expect(peers.name(bytes('192.0.2.1'), 80)).toBe(OTHER_PEERS);
  expect(peers.name(bytes('192.0.2.3'), 443)).toBe(OTHER_PEERS);
  expect(peers.name(bytes('192.0.2.1'), 443)).toBe(first);
  peers.retain(new Set([first]));
  expect(peers.name(bytes('192.0.2.1'), 443)).toBe(first);
  expect(peers.name(bytes('192.0.2.3'), 443)).toEqual({ service: '192.0.2.3', port: '443' });
});

it('names no peer with a limit of zero', () => {
  expect(new ExternalPeers(0).name(bytes('192.0.2.1'), 443)).toBe(OTHER_PEERS);
});

it('never names an ephemeral port, and keeps the address', () => {
  const peers = new ExternalPeers(2, { first: 32768, last: 60999 });
  const other = peers.name(bytes('192.0.2.1'), 32768);
  expect(other).toEqual({ service: '192.0.2.1', port: 'other' });
  expect(peers.name(bytes('192.0.2.1'), 60999)).toBe(other);
  expect(peers.name(bytes('192.0.2.1'), 61000)).toEqual({ service: '192.0.2.1', port: '61000' });
});

it('has one peer for the loopback, which takes no name of others', () => {
  const peers = new ExternalPeers(1, { first: 32768, last: 60999 });
  for (let last = 1; last < 200; last++) {
    expect(peers.name(bytes(`127.0.0.${last}`), 40_000 + last)).toBe(OTHER_LOOPBACK);
  }
  const local = peers.name(bytes('127.9.9.9'), 6379);
  expect(local).toEqual({ service: 'localhost', port: '6379' });
  expect(peers.name(bytes('::1'), 6379)).toBe(local);
  expect(peers.name(bytes('::1'), 80)).toBe(OTHER_LOOPBACK);
  expect(peers.name(bytes('192.0.2.1'), 443)).toEqual({ service: '192.0.2.1', port: '443' });
});

it.each([
  ['15000\t61000\n', { first: 15000, last: 61000 }],
  ['nonsense', EPHEMERAL_PORTS],
])('reads the range of ephemeral ports %j', (text, range) => {
  expect(ephemeralPorts(folder.write('range', text))).toEqual(range);
});

it('knows the usual range of ephemeral ports where the kernel does not say', () => {
  expect(ephemeralPorts('/nonexistent')).toEqual(EPHEMERAL_PORTS);
});
