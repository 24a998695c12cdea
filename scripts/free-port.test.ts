import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { ephemeralPorts } from '../exporter/identity/peers/external-peers.ts';
import { freePort } from './free-port.ts';

it('hands out each port once, outside the ports that clients get', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()));
  expect(new Set(ports).size).toBe(200);
  const { first, last } = ephemeralPorts();
  expect(ports.filter((port) => port >= first && port <= last)).toEqual([]);
});

it('hands out ports that can be listened at', async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
});
