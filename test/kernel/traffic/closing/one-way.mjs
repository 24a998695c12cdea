// Holds `count` connections to its own server. For each line on standard input, one end of each sends a byte; the line
// is answered when all have been received. When the input ends, the connections are closed. Options: {host, count,
// sender: "client" or "server"}.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const { host, count, sender } = JSON.parse(process.argv[2]);

const accepted = [];
const server = createServer((socket) => accepted.push(socket.on('error', () => undefined)));
await new Promise((resolve) => server.listen({ host, port: 0, backlog: 1024 }, resolve));
const { port } = server.address();

async function open() {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  return socket;
}

const clients = await Promise.all(Array.from({ length: count }, open));
while (accepted.length < count) await once(server, 'connection');
const [from, to] = sender === 'client' ? [clients, accepted] : [accepted, clients];
for (const socket of from) socket.resume();
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
print({ port });
for await (const line of createInterface(process.stdin)) {
  if (line !== 'send') throw new Error(`unknown command ${line}`);
  const received = Promise.all(to.map((socket) => once(socket, 'data')));
  for (const socket of from) socket.write('.');
  await received;
  print({});
}
const closed = [...clients, ...accepted].map((socket) => once(socket.resume(), 'close'));
for (const socket of clients) socket.end();
await Promise.all(closed);
server.close();
print({});
