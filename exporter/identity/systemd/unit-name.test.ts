import { expect, test } from 'vitest';
import { isServiceUnit, serviceOf } from './unit-name.ts';

test.each([
  ['cart.service', 'cart'],
  ['cart@1.service', 'cart'],
  ['cart@.service', 'cart'],
  ['@1.service', '@1'],
  ['my\\x2dcart.service', 'my-cart'],
  ['caf\\xc3\\xa9.service', 'café'],
  // What would be no label value, or no text, remains as it is.
  ['a\\x0ab.service', 'a\\x0ab'],
  ['a\\xff.service', 'a\\xff'],
  ['a.b.service', 'a.b'],
  ['a\nb.service', undefined],
])('the service of %j is %j', (unit, service) => {
  expect(serviceOf(unit)).toBe(service);
});

test.each([
  ['cart.service', true],
  ['.service', false],
  ['docker-1.scope', false],
  ['cart.slice', false],
])('%s is the unit of a service: %s', (name, expected) => {
  expect(isServiceUnit(name)).toBe(expected);
});
