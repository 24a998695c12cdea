// A server that handles each connection according to `how`, and clients that send it a request. Prints their results.
// {how: 'silent' | 'close' | 'reset' | 'answer' | 'late-reader' | 'goodbye' | 'one-way', count, giveUpMs, host}
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const { how, count = 1, giveUpMs = 0, host = '127.0.0.1' } = JSON.parse(process.argv[2]);

const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.once('data', () => {
    if (how === 'close' || how === 'one-way') socket.end();
    else if (how === 'reset') socket.resetAndDestroy();
    else if (how !== 'silent') socket.end('an answer');
  });
});
await new Promise((resolve) => server.listen(0, host, resolve));

async function ask() {
  const socket = connect({ host, port: server.address().port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(how === 'one-way' ? 'a line of a log\n' : 'GET / HTTP/1.1\r\n\r\n');
  if (how === 'late-reader') {
    // Shuts down its side immediately; the response and the peer's FIN are queued before they are read.
    socket.pause();
    socket.end();
    await sleep(100);
  }
  if (giveUpMs > 0) {
    await sleep(giveUpMs);
    socket.destroy();
    return 'gave up';
  }
  let received = '';
  socket.on('data', (chunk) => (received += chunk));
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  if (how === 'goodbye') socket.write('goodbye');
  socket.end();
  return received === '' ? 'no answer' : received;
}

const outcomes = [];
for (let i = 0; i < count; i++) outcomes.push(await ask());
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
process.exit();
