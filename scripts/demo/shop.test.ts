import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTopology } from '../../microsim/topology/topology.ts';
import { breakableShop } from './shop.ts';

const BUNDLED = join(import.meta.dirname, '../../microsim/topologies/web-shop.yaml');

describe('breakableShop', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'shop-'))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is the bundled shop, of which a service breaks', () => {
    expect(breakableShop(BUNDLED, folder, 'cart')).toEqual({ flags: [], broken: 'cart' });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('gives one service replicas, of which the last one breaks', () => {
    const path = join(folder, 'topology.yaml');
    expect(breakableShop(BUNDLED, folder, 'cart', 3)).toEqual({ flags: [`--topology=${path}`], broken: 'cart-2' });
    const bundled = readTopology(BUNDLED);
    const { cart } = bundled.services;
    expect(readTopology(path)).toEqual({
      ...bundled,
      services: { ...bundled.services, cart: { ...cart, replicas: 3 } },
    });
  });

  it('has no other services', () => {
    expect(() => breakableShop(BUNDLED, folder, 'warehouse')).toThrow(
      /^--service: expected one of frontend, .*, got "warehouse"$/,
    );
  });
});
