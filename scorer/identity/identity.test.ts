import { describe, expect, it, test } from 'vitest';
import { Identity, identitySchema, selects } from './identity.ts';

const identity = new Identity(['cluster', 'environment']);
const cart = { namespace: 'shop', service: 'cart' };

describe('a service', () => {
  it.each([
    [
      { ...cart, cluster: 'a', environment: 'prod', feature: 'x' },
      { ...cart, cluster: 'a', environment: 'prod' },
    ],
    [{ ...cart, cluster: '', pod: 'cart-0' }, cart],
    [{ service: 'cart', cluster: 'a' }, undefined],
    [{ namespace: '', service: 'cart' }, undefined],
    [{ namespace: 'shop' }, undefined],
  ])('of %j', (labels, name) => {
    expect(identity.service(labels)).toEqual(name);
  });

  it('has no label that its series lacks, not even one that all objects have', () => {
    expect(new Identity(['constructor', 'toString']).service(cart)).toEqual(cart);
  });
});

test('an edge has its further labels once', () => {
  const ends = { client_namespace: 'shop', client_service: 'cart', server_namespace: 'pay', server_service: 'card' };
  expect(identity.edge({ ...ends, cluster: 'a' })).toEqual({
    client: { ...cart, cluster: 'a' },
    server: { namespace: 'pay', service: 'card', cluster: 'a' },
  });
  expect(identity.edge({ ...ends, server_service: '' })).toBeUndefined();
});

test('a scope selects what has all its labels', () => {
  const name = { ...cart, cluster: 'a' };
  expect(selects(identity.scope({ ...cart, cluster: 'a', alertname: 'x' }), name)).toBe(true);
  expect(selects(identity.scope({ ...cart, cluster: 'b' }), name)).toBe(false);
  expect(selects(identity.scope({ namespace: 'shop' }), name)).toBe(true);
  expect(selects(identity.scope({ cluster: 'a' }), name)).toBe(true);
  expect(selects(identity.scope({ cluster: 'a' }), cart)).toBe(false);
  expect(selects(identity.scope({}), cart)).toBe(true);
});

test.each([
  [{ labels: ['cluster', 'environment', 'tenant', '_x1'] }, true],
  [{}, true],
  [undefined, true],
  [{ labels: ['cluster', 'cluster'] }, false],
  [{ labels: ['namespace'] }, false],
  [{ labels: ['pod'] }, false],
  [{ labels: ['__name__'] }, false],
  [{ labels: ['k8s.cluster'] }, false],
  [{ labels: [''] }, false],
  [{ label: ['cluster'] }, false],
])('%j is valid: %s', (section, valid) => {
  expect(identitySchema.safeParse(section).success).toBe(valid);
});
