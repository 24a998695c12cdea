// Echoes `echoes` messages, one each `everyMs`, and acknowledges `pushes` of the server. The upgrade is the only
// request. Prints its own count and durations. Options: {host, port, echoes, pushes, everyMs}.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { WebSocket } = createRequire(import.meta.url)('undici');
const { host, port, echoes = 0, pushes = 0, everyMs = 0 } = JSON.parse(process.argv[2]);
const start = performance.now();
const socket = new WebSocket(`ws://${host}:${port}/`);
await once(socket, 'open');
const truth = { requests: 1, durationsMs: [performance.now() - start], connections: 1 };
for (let i = 0; i < echoes; i++) {
  const echo = once(socket, 'message');
  socket.send('a message');
  await echo;
  await sleep(everyMs);
}
for (let i = 0; i < pushes; i++) {
  await once(socket, 'message');
}
const closed = once(socket, 'close');
socket.close();
await closed;
process.stdout.write(`${JSON.stringify(truth)}\n`);
