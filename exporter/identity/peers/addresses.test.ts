import { describe, expect, it } from 'vitest';
import { addressBytes, addressText, parsePeerAddress } from './addresses.ts';

const hex = (bytes: string | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes, 'latin1').toString('hex');

describe('addressBytes', () => {
  it.each([
    ['10.88.0.5', '00000000000000000000ffff0a580005', '10.88.0.5'],
    ['::ffff:10.88.0.5', '00000000000000000000ffff0a580005', '10.88.0.5'],
    ['::FFFF:0a58:5', '00000000000000000000ffff0a580005', '10.88.0.5'],
    ['::', '00000000000000000000000000000000', '::'],
    ['::1', '00000000000000000000000000000001', '::1'],
    ['fd00::5', 'fd000000000000000000000000000005', 'fd00::5'],
    ['FD00:0:0:1::', 'fd000000000000010000000000000000', 'fd00:0:0:1::'],
    ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008', '1:2:3:4:5:6:7:8'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221'],
    ['255.255.255.255', '00000000000000000000ffffffffffff', '255.255.255.255'],
  ])('reads %s', (text, bytes, normal) => {
    expect(hex(addressBytes(text))).toBe(bytes);
    expect(addressText(addressBytes(text) as string)).toBe(normal);
  });

  it.each(['', '10.88.0', '10.88.0.256', 'localhost', 'fe80::1%eth0', '1::2::3', '10.0.0.0/8'])(
    'refuses "%s"',
    (text) => {
      expect(addressBytes(text)).toBeUndefined();
    },
  );
});

describe('parsePeerAddress', () => {
  it.each([
    ['10.0.0.5', undefined],
    ['10.0.0.5:8080', 8080],
    ['[fd00::5]:443', 443],
    ['fd00::5', undefined],
  ])('reads %s', (text, port) => expect(parsePeerAddress(text)?.port).toBe(port));

  it.each(['10.0.0.5:0', '10.0.0.5:65536', '[fd00::5]', 'host:80', '[::1]:x'])('refuses "%s"', (text) => {
    expect(parsePeerAddress(text)).toBeUndefined();
  });
});
