import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTopology, type Topology } from '../topology/topology.ts';
import { loadConfig, type Places, serviceConfigs, tracesUrl } from './process-configs.ts';

const shop = readTopology(join(import.meta.dirname, '../topologies/web-shop.yaml'));

const placesOf = (topology: Topology): Places => ({
  topology,
  seed: 1,
  host: (replica) => `host of ${replica}`,
  admin: (part) => `${part}.sock`,
  traceSocket: 'traces.sock',
});

describe('serviceConfigs', () => {
  it('has one process for each service of the web shop', () => {
    const configs = serviceConfigs(placesOf(shop));
    expect(configs.map(([name]) => name)).toEqual(Object.keys(shop.services));
    const [, cart] = configs[3]!;
    expect(cart).toMatchObject({ service: 'cart', admin: 'cart.sock', listen: { host: 'host of cart', port: 8080 } });
    expect(cart.callees['catalog']).toEqual({ host: 'host of catalog', port: 8080 });
    expect(cart).not.toHaveProperty('replicas');
  });

  it('names the replicas of a service, and callers know all of them', () => {
    const services = { ...shop.services, cart: { ...shop.services['cart']!, replicas: 3 } };
    const places = placesOf({ ...shop, services });
    const carts = serviceConfigs(places).filter(([, { service }]) => service === 'cart');
    expect(carts.map(([name, { listen, admin }]) => [name, listen.host, admin])).toEqual([
      ['cart-0', 'host of cart-0', 'cart-0.sock'],
      ['cart-1', 'host of cart-1', 'cart-1.sock'],
      ['cart-2', 'host of cart-2', 'cart-2.sock'],
    ]);
    expect(new Set(carts.map(([, { seed }]) => seed)).size).toBe(3);
    const address = { host: 'host of cart-0', port: 8080, others: ['host of cart-1', 'host of cart-2'] };
    expect(carts[0]![1].callees['cart']).toEqual(address);
    expect(loadConfig(places, '_load').callees['cart']).toEqual(address);
  });
});

describe('tracesUrl', () => {
  it.each([
    ['http://127.0.0.1:4318', 'http://127.0.0.1:4318/v1/traces'],
    ['http://127.0.0.1:4318/', 'http://127.0.0.1:4318/v1/traces'],
    ['https://collector.example/otlp', 'https://collector.example/otlp/v1/traces'],
    ['http://127.0.0.1:4318/v1/traces', 'http://127.0.0.1:4318/v1/traces'],
  ])('%s becomes %s', (endpoint, url) => {
    expect(tracesUrl(endpoint)).toBe(url);
  });
});
