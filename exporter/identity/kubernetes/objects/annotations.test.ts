import { expect, it } from 'vitest';
import { MONITOR, readAnnotations, SERVICE } from './annotations.ts';

it.each([
  [{}, undefined, undefined],
  [{ [MONITOR]: 'true' }, true, undefined],
  [{ [MONITOR]: 'false', [SERVICE]: 'Cart_v2.eu' }, false, 'Cart_v2.eu'],
])('reads %o', (annotations, monitor, service) =>
  expect(readAnnotations({ name: 'pod', annotations })).toEqual({ monitor, service, rejected: [] }),
);

it.each([
  [MONITOR, 'yes'],
  [MONITOR, 'True'],
  [MONITOR, ''],
  [SERVICE, ''],
  [SERVICE, 'service/cart'],
  [SERVICE, '-cart'],
  [SERVICE, 'a'.repeat(254)],
])('rejects %s: %j', (annotation, value) => {
  const { monitor, service, rejected } = readAnnotations({ name: 'pod', annotations: { [annotation]: value } });
  expect({ monitor, service }).toEqual({ monitor: undefined, service: undefined });
  expect(rejected).toEqual([expect.objectContaining({ annotation, value })]);
});
