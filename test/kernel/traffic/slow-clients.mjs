// Clients that send the headers of their only request a byte after the other, at the same time, and read the response.
// Prints {} when all have ended. Options: {host, port, clients, forMs: from the first byte to the last}.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, clients, forMs } = JSON.parse(process.argv[2]);
const START = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ';
const REST = `${'x'.repeat(16)}\r\n\r\n`;

async function ask() {
  const socket = connect({ host, port, noDelay: true });
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(START);
  for (const byte of REST) {
    await sleep(forMs / REST.length);
    socket.write(byte);
  }
  await new Promise((resolve) => socket.resume().once('close', resolve));
}

await Promise.all(Array.from({ length: clients }, ask));
process.stdout.write('{}\n');
