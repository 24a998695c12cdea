import { expect, it } from 'vitest';
import { addressBytes } from './addresses.ts';
import { ExternalPeers, OTHER_PEERS } from './external-peers.ts';

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
