// Sends `count` requests over UDP and over a UNIX stream socket, and prints the numbers of responses.
// Options: {host, count, path}.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const { host, count, path } = JSON.parse(process.argv[2]);

async function overUdp() {
  const type = host.includes(':') ? 'udp6' : 'udp4';
  const [server, client] = [createSocket(type), createSocket(type)];
  server.on('message', (message, peer) => server.send(message, peer.port, peer.address));
  server.bind(0, host);
  await once(server, 'listening');
  client.connect(server.address().port, host);
  await once(client, 'connect');
  let answers = 0;
  for (let i = 0; i < count; i++) {
    client.send('question');
    await once(client, 'message');
    answers++;
  }
  client.close();
  server.close();
  return answers;
}

async function overUnix() {
  const server = createServer((socket) => socket.pipe(socket)).listen(path);
  await once(server, 'listening');
  const client = connect(path);
  let answers = 0;
  for (let i = 0; i < count; i++) {
    client.write('question');
    await once(client, 'data');
    answers++;
  }
  client.end();
  server.close();
  return answers;
}

process.stdout.write(`${JSON.stringify({ udp: await overUdp(), unix: await overUnix() })}\n`);
