import { expect, it } from 'vitest';
import { protocolName } from '../../protocols.ts';
import { MONITOR, PROTOCOLS, readAnnotations, SERVICE } from './annotations.ts';

it.each([
  [{}, undefined, undefined],
  [{ [MONITOR]: 'true' }, true, undefined],
  [{ [MONITOR]: 'false', [SERVICE]: 'Cart_v2.eu' }, false, 'Cart_v2.eu'],
])('reads %o', (annotations, monitor, service) =>
  expect(readAnnotations({ name: 'pod', annotations })).toEqual({
    monitor,
    service,
    protocols: undefined,
    rejected: [],
  }),
);

it.each([
  [MONITOR, 'yes'],
  [MONITOR, 'True'],
  [MONITOR, ''],
  [SERVICE, ''],
  [SERVICE, 'service/cart'],
  [SERVICE, '-cart'],
  [PROTOCOLS, ''],
  [PROTOCOLS, '9000=amqp,'],
  [PROTOCOLS, '9000=unknown'],
  [PROTOCOLS, '70000=amqp'],
  [PROTOCOLS, '9000=amqp=mqtt'],
])('rejects %s: %j', (annotation, value) => {
  const { monitor, service, rejected } = readAnnotations({ name: 'pod', annotations: { [annotation]: value } });
  expect({ monitor, service }).toEqual({ monitor: undefined, service: undefined });
  expect(rejected).toEqual([expect.objectContaining({ annotation, value })]);
});

it.each([MONITOR, SERVICE, PROTOCOLS])('keeps the start of a long value of %s', (annotation) => {
  const { rejected } = readAnnotations({ name: 'pod', annotations: { [annotation]: 'a'.repeat(254) } });
  expect(rejected).toMatchObject([{ annotation, value: `${'a'.repeat(100)}... (254 characters)` }]);
});

it('reads the protocols of ports', () => {
  const { protocols, rejected } = readAnnotations({
    name: 'pod',
    annotations: { [PROTOCOLS]: '5672=amqp, 9000=messages' },
  });
  expect([...(protocols ?? [])].map(([port, number]) => [port, protocolName(number)])).toEqual([
    [5672, 'amqp'],
    [9000, 'messages'],
  ]);
  expect(rejected).toEqual([]);
});
