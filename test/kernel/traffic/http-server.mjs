// Answers every request after `delayMs` with `bodyBytes` bytes of `filler` and the status at the end of its path, or
// 200, until standard input ends; then prints the bytes of its sockets. Options: {host, port, bodyBytes, filler,
// delayMs, tls: {key, cert, maxVersion}?}.
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';

const { host, port = 0, bodyBytes = 2, filler = 'x', delayMs = 0, tls } = JSON.parse(process.argv[2]);
const body = Buffer.alloc(bodyBytes, filler);
const moved = { sent: 0, received: 0, requests: 0 };

const answer = (request, response) => {
  moved.requests++;
  response.statusCode = Number(/\d{3}$/.exec(request.url)?.[0] ?? 200);
  request.resume();
  const reply = () => response.end(body);
  request.on('end', () => (delayMs > 0 ? setTimeout(reply, delayMs) : reply()));
};
const server = tls === undefined ? createServer(answer) : createTlsServer(tls, answer);
server.keepAliveTimeout = 60_000;
server.on('connection', (socket) => {
  socket.on('close', () => {
    moved.sent += socket.bytesWritten;
    moved.received += socket.bytesRead;
  });
});
server.listen({ host, port, backlog: 1024 }, () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
process.stdin.resume().on('end', () => {
  server.close(() => process.stdout.write(`${JSON.stringify(moved)}\n`));
  server.closeIdleConnections();
});
