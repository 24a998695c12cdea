// Accepts connections until its standard input ends, and closes each when its peer does. Options: {host}.
import { createServer } from 'node:net';

const { host } = JSON.parse(process.argv[2]);
const server = createServer((socket) => socket.on('error', () => undefined).resume());
server.listen({ host, port: 0, backlog: 1024 }, () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
process.stdin.resume().on('end', () => server.close(() => process.stdout.write('{}\n')));
