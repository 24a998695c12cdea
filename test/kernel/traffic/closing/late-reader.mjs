// A connection whose last bytes are read after both ends have shut it down: the server responds and closes after the
// client has shut down its side; the client only reads then. Options: {listen} for the server, {host, port} for the
// client, which prints how many bytes it received.
import { connect, createServer } from 'node:net';
import { readFileSync } from 'node:fs';

const { listen, host, port } = JSON.parse(process.argv[2]);

function serve() {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.resume().on('end', () => socket.end('response'));
  });
  server.listen({ host: listen, port: 0 }, () => {
    process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
  });
  process.stdin.resume().on('end', () => server.close(() => process.stdout.write('{}\n')));
}

// True when the kernel has closed the socket: no line in /proc/net/tcp, or TIME_WAIT (06).
function isClosed(localPort) {
  const needle = `:${localPort.toString(16).toUpperCase().padStart(4, '0')} `;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const states = lines.filter((line) => line.slice(0, 21).includes(needle)).map((line) => line.trim().split(/\s+/)[3]);
  return states.every((state) => state === '06');
}

async function ask() {
  let received = 0;
  const socket = connect({
    host,
    port,
    onread: { buffer: Buffer.alloc(64), callback: (n) => ((received += n), true) },
  });
  socket.on('connect', async () => {
    socket.pause();
    socket.end('request');
    while (!isClosed(socket.localPort)) await new Promise((resolve) => setTimeout(resolve, 5));
    socket.resume();
  });
  socket.on('close', () => process.stdout.write(`${JSON.stringify({ received })}\n`));
}

if (listen === undefined) await ask();
else serve();
