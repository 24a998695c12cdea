import { describe, expect, it } from 'vitest';
import { edgeKey, instanceKey, serviceKey } from '../identity/service-key.ts';
import type { Verdict } from './detector.ts';
import { agreement, worstByService } from './verdicts.ts';

const cart = { namespace: 'shop', service: 'cart' };
const front = { namespace: 'shop', service: 'front' };
const verdict = (kind: Verdict['kind'], key: string, score: number): Verdict => ({ kind, key, score, shares: [] });

describe('worstByService', () => {
  it('takes the highest of a service, its pods and endpoints, and the edges into it', () => {
    const verdicts = [
      verdict('service', serviceKey(cart), 0.5),
      verdict('pod', instanceKey(cart, 'cart-1'), 2),
      verdict('endpoint', instanceKey(front, 'GET /'), 0.2),
      verdict('edge', edgeKey(front, cart), 3),
      verdict('edge', edgeKey(cart, front), 0.1),
    ];
    const worst = worstByService(verdicts);
    expect([...worst].map(([key, { score }]) => [key, score])).toEqual([
      [serviceKey(cart), 3],
      [serviceKey(front), 0.2],
    ]);
  });
});

describe('agreement', () => {
  const a = new Map([
    ['x', 3],
    ['y', 0.5],
    ['z', 9],
  ]);
  const b = new Map([
    ['x', 2],
    ['y', 4],
  ]);
  const c = new Map([['x', 0.1]]);

  it.each([
    [1, { x: 3, y: 4, z: 9 }],
    [2, { x: 2, y: 0.5 }],
    [3, { x: 0.1 }],
  ])('of at least %s is the score that so many reach', (atLeast, expected) => {
    expect(Object.fromEntries(agreement([a, b, c], atLeast))).toEqual(expected);
  });
});
