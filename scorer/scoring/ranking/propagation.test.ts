import { describe, expect, it } from 'vitest';
import { serviceKey } from '../../identity/service-key.ts';
import { edge } from './edge.testdata.ts';
import { propagation } from './propagation.ts';

const cause = (key: string, rank = 1) => ({ key, bits: 5, blame: 1, rank });
const ways = (...args: Parameters<typeof propagation>) =>
  propagation(...args).map(({ client, server }) => `${client} -> ${server}`);

describe('propagation', () => {
  it('goes from the first cause to all that wait for it, nearest first', () => {
    const edges = [
      edge('front', 'checkout', { latency: 90 }),
      edge('checkout', 'payment', { latency: 50 }),
      edge('payment', 'db', { latency: 20 }),
      edge('front', 'ads', { latency: 90 }),
      edge('payment', 'mail'),
    ];
    expect(ways([cause('db'), cause('ads', 2)], edges)).toEqual([
      'payment -> db',
      'checkout -> payment',
      'front -> checkout',
    ]);
    expect(propagation([cause('db')], edges)[0]?.bits).toBeCloseTo(Math.log2(20 / 2.576), 9);
  });

  it('reaches each service once, by the strongest call', () => {
    const edges = [
      edge('cart', 'db', { latency: 10 }),
      edge('stock', 'db', { latency: 90 }),
      edge('front', 'cart', { failures: 10 }),
      edge('front', 'stock', { failures: 90 }),
      edge('db', 'front', { latency: 50 }),
    ];
    expect(ways([cause('db')], edges)).toEqual(['stock -> db', 'cart -> db', 'front -> stock']);
  });

  it('says nothing without a cause, where no call is off, and of calls to oneself', () => {
    const edges = [edge('front', 'db'), edge('db', 'db', { latency: 90 })];
    expect(propagation([cause('db')], edges)).toEqual([]);
    expect(propagation([], [edge('front', 'db', { latency: 90 })])).toEqual([]);
  });

  it('has a way for each cluster', () => {
    const key = (cluster: string, service: string) => serviceKey({ namespace: 'shop', service, cluster });
    const edges = ['a', 'b'].map((cluster) => edge(key(cluster, 'front'), key(cluster, 'db'), { latency: 9 }));
    expect(propagation([cause(key('a', 'db')), cause(key('b', 'db'))], edges).length).toBe(2);
  });

  it('is bounded, also around one cause and where calls go in a circle', () => {
    const callers = Array.from({ length: 100 }, (_, index) => edge(`caller-${index}`, 'db', { latency: 9 + index }));
    expect(ways([cause('db')], [...callers, edge('db', 'caller-9', { latency: 9 })]).length).toBe(20);
    expect(ways([cause('db')], callers)[0]).toBe('caller-99 -> db');
  });
});
