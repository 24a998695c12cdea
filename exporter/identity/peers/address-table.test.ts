import { describe, expect, it } from 'vitest';
import { target } from '../../testdata/tree.ts';
import { AddressTable } from './address-table.ts';
import { addressBytes, parsePeerAddress, type PeerAddress } from './addresses.ts';

describe('AddressTable', () => {
  const addresses = (...texts: string[]): PeerAddress[] => texts.map((text) => parsePeerAddress(text) as PeerAddress);
  const find = (table: AddressTable, text: string, port: number): string | undefined =>
    table.find(addressBytes(text) as string, port)?.service;

  it('finds targets by address, first with the port', () => {
    const table = new AddressTable([
      target({ service: 'cart', addresses: addresses('10.0.0.5', 'fd00::5') }),
      target({ service: 'side', addresses: addresses('10.0.0.5:9000') }),
    ]);
    expect(find(table, '10.0.0.5', 80)).toBe('cart');
    expect(find(table, '::ffff:10.0.0.5', 80)).toBe('cart');
    expect(find(table, 'fd00::5', 1)).toBe('cart');
    expect(find(table, '10.0.0.5', 9000)).toBe('side');
    expect(find(table, '10.0.0.6', 80)).toBeUndefined();
  });

  it('finds nothing for an address of several services, but instances of one service may share it', () => {
    const disputed = ['cart', 'side', 'third'].map((service) => target({ service, addresses: addresses('10.0.0.5') }));
    expect(find(new AddressTable(disputed), '10.0.0.5', 80)).toBeUndefined();
    const shared = ['cart-1', 'cart-2'].map((pod) => target({ pod, addresses: addresses('10.0.0.5') }));
    expect(find(new AddressTable(shared), '10.0.0.5', 80)).toBe('cart');
  });
});
