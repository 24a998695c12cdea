import { describe, expect, it, test } from 'vitest';
import {
  displayName,
  edgeEnds,
  edgeKey,
  instanceKey,
  instanceName,
  isSameService,
  podKey,
  scopeLabels,
  scopeOf,
  serviceKey,
  serviceName,
  type ServiceName,
} from './service-key.ts';

const ODD = ['a', '', '"]', '{"cluster":"a"}', '}]', 'a/b', '\n\0', '鸚鵡', '\\"'];
const NAMES: readonly ServiceName[] = ODD.flatMap((one) =>
  ODD.flatMap((other) => [
    { namespace: one, service: other },
    ...(one === '' ? [] : [{ namespace: 'shop', service: other, cluster: one }]),
    ...(one === '' || other === '' ? [] : [{ namespace: 'shop', service: 'cart', cluster: one, environment: other }]),
    ...(one === '' ? [] : [{ namespace: 'shop', service: other, environment: one }]),
  ]),
);

describe('keys', () => {
  it('are those of every version before, without further labels', () => {
    const cart = { namespace: 'shop', service: 'cart' };
    expect(serviceKey(cart)).toBe('["shop","cart"]');
    expect(edgeKey(cart, { namespace: 'pay', service: 'card' })).toBe('["shop","cart","pay","card"]');
    expect(instanceKey(cart, 'cart-1')).toBe('["shop","cart","cart-1"]');
  });

  it('are unique, and have the whole name in them, whatever characters it has', () => {
    expect(new Set(NAMES.map(serviceKey)).size).toBe(NAMES.length);
    expect(new Set(NAMES.map((name) => instanceKey(name, 'x'))).size).toBe(NAMES.length);
    const other = { namespace: 'x', service: 'y' };
    expect(new Set(NAMES.map((name) => edgeKey(name, other))).size).toBe(NAMES.length);
    for (const name of NAMES) {
      expect(serviceName(serviceKey(name))).toEqual(name);
      expect(instanceName(instanceKey(name, '}]'))).toEqual({ ...name, instance: '}]' });
      expect(serviceKey(instanceName(instanceKey(name, 'x')))).toBe(serviceKey(name));
      const { client, server } = edgeEnds(edgeKey(name, { ...name, ...other }));
      expect([client, server]).toEqual([name, { ...name, ...other }]);
    }
  });

  it('do not depend on the order of labels', () => {
    const name = { environment: 'prod', namespace: 'shop', cluster: 'a', service: 'cart' };
    expect(serviceKey(name)).toBe(
      serviceKey({ cluster: 'a', environment: 'prod', namespace: 'shop', service: 'cart' }),
    );
  });

  it('of pods are apart by cluster, and know no service', () => {
    const pod = (cluster: string, service: string) => podKey({ namespace: 'shop', service, cluster }, 'cart-0');
    expect(pod('a', 'cart')).toBe(pod('a', ''));
    expect(pod('a', 'cart')).not.toBe(pod('b', 'cart'));
  });
});

test('scopes are what services have beside namespace and service', () => {
  expect(
    new Set(NAMES.filter((name) => Object.keys(name).length === 2).map((name) => scopeOf(serviceKey(name)))),
  ).toEqual(new Set(['']));
  for (const name of NAMES) {
    const { namespace, service, ...further } = name;
    expect(scopeLabels(scopeOf(serviceKey(name))), `${namespace}/${service}`).toEqual(further);
  }
});

test('names', () => {
  expect(displayName({ namespace: 'shop', service: 'cart' })).toBe('shop/cart');
  expect(displayName({ namespace: 'shop', service: 'cart', cluster: 'a' })).toBe('a/shop/cart');
  const cart = { namespace: 'shop', service: 'cart', cluster: 'a' };
  expect(isSameService(cart, { ...cart })).toBe(true);
  expect(isSameService(cart, { ...cart, cluster: 'b' })).toBe(false);
  expect(isSameService(cart, { namespace: 'shop', service: 'cart' })).toBe(false);
});
