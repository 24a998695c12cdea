// For each line on standard input: listens on a port, opens `connections` connections to it, sends `requests`
// plain-text HTTP requests on each, closes them, fails to connect once, starts a process that exits, and sends `requests`
// requests by UDP. Answers with the ports and the bytes of the TCP clients. Listens on the last port until the next line.
// Options: {host, connections, requests}.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const { host, connections, requests } = JSON.parse(process.argv[2]);
const QUESTION = 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n';
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

async function listen() {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write(ANSWER)).on('end', () => socket.end());
  });
  await new Promise((resolve) => server.listen({ host, port: 0, backlog: 511 }, resolve));
  return server;
}

async function exchange(port) {
  const socket = connect({ host, port });
  await once(socket, 'connect');
  for (let asked = 0; asked < requests; asked++) {
    const answer = once(socket, 'data');
    socket.write(QUESTION);
    await answer;
  }
  const closed = once(socket.resume(), 'close');
  socket.end();
  await closed;
}

async function fail() {
  const server = await listen();
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  await once(connect({ host, port }), 'error');
}

async function exchangeDatagrams() {
  const server = createSocket('udp4').on('message', (message, peer) => server.send(message, peer.port, peer.address));
  const client = createSocket('udp4');
  server.bind(0, host);
  await once(server, 'listening');
  const { port } = server.address();
  client.connect(port, host);
  await once(client, 'connect');
  for (let asked = 0; asked < requests; asked++) {
    const answer = once(client, 'message');
    client.send('question');
    await answer;
  }
  client.close();
  server.close();
  return port;
}

let server = await listen();
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
print({});
for await (const line of createInterface(process.stdin)) {
  if (line !== 'exchange') throw new Error(`unknown command ${line}`);
  await new Promise((resolve) => server.close(resolve));
  server = await listen();
  const { port } = server.address();
  for (let opened = 0; opened < connections; opened++) await exchange(port);
  await fail();
  spawnSync('true');
  const udpPort = await exchangeDatagrams();
  const asked = connections * requests;
  print({ port, udpPort, sent: asked * QUESTION.length, received: asked * ANSWER.length });
}
server.close();
print({});
