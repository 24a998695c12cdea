// Holds `count` connections to its own server, with one request on each. Each line on standard input sends one more on
// every connection, and is answered with the bytes of the clients since the previous line. When the input ends, the
// connections are closed. Options: {host, count, localPort: of the first client, chosen by connect()
// without, stopListening: once all are connected}.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const { host, count, localPort, stopListening } = JSON.parse(process.argv[2]);
const QUESTION = 'question';
const ANSWER = 'an answer';

const server = createServer((socket) => {
  socket.on('data', () => socket.write(ANSWER)).on('error', () => undefined);
});
await new Promise((resolve) => server.listen({ host, port: 0, backlog: 1024 }, resolve));
const { port } = server.address();

async function open(index) {
  const socket = connect({ host, port, ...(localPort !== undefined && { localPort: localPort + index }) });
  await once(socket, 'connect');
  return socket;
}

async function ask(socket) {
  const answer = once(socket, 'data');
  socket.write(QUESTION);
  await answer;
}

const sockets = await Promise.all(Array.from({ length: count }, (_, index) => open(index)));
await Promise.all(sockets.map(ask));
if (stopListening) server.close();
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
print({ port });
for await (const line of createInterface(process.stdin)) {
  if (line !== 'ask') throw new Error(`unknown command ${line}`);
  await Promise.all(sockets.map(ask));
  print({ sent: count * QUESTION.length, received: count * ANSWER.length });
}
await Promise.all(sockets.map((socket) => once(socket.end(), 'close')));
server.close();
print({});
