import { expect, it } from 'vitest';
import { DeclaredProtocols, declaredPorts, type Declaring } from './declared-protocols.ts';
import { parsePeerAddress, type PeerAddress } from './peers/addresses.ts';

const address = (text: string) => parsePeerAddress(text) as PeerAddress;
const AMQP = 12;
const MQTT = 13;

function source(...targets: readonly (readonly [string, ReadonlyMap<number, number>])[]): Declaring {
  return { targets: targets.map(([text, protocols]) => ({ declared: declaredPorts([address(text)], protocols) })) };
}

it('keeps the kernel map equal to what the targets declare', () => {
  const rows = new Map<string, number>();
  const protocols = new DeclaredProtocols({
    read: () => ({ count: 0, keys: Buffer.alloc(0), values: Buffer.alloc(0) }),
    update: (key, value) => {
      rows.set(Buffer.from(key).toString('hex'), Buffer.from(value).readUInt32LE());
      return true;
    },
    delete: (key) => rows.delete(Buffer.from(key).toString('hex')),
  });
  const key = (host: string, port: string) => `00000000000000000000ffff${host}${port}000000000000`;
  const first = source(
    [
      '10.0.0.5',
      new Map([
        [5672, AMQP],
        [1883, MQTT],
      ]),
    ],
    [
      '10.0.0.6:1883',
      new Map([
        [1883, MQTT],
        [80, AMQP],
      ]),
    ],
  );
  protocols.update([first]);
  const all = { [key('0a000005', '2816')]: AMQP, [key('0a000005', '5b07')]: MQTT, [key('0a000006', '5b07')]: MQTT };
  expect(Object.fromEntries(rows)).toEqual(all);
  // The same targets are not written again.
  rows.clear();
  protocols.update([first]);
  expect(rows.size).toBe(0);
  protocols.update([
    source(
      ['10.0.0.5', new Map([[5672, MQTT]])],
      ['10.0.0.7', new Map([[1, AMQP]])],
      ['10.0.0.7', new Map([[1, MQTT]])],
    ),
  ]);
  expect(Object.fromEntries(rows)).toEqual({ [key('0a000005', '2816')]: MQTT });
});
