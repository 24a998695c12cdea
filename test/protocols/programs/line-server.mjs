// Answers each line after `workMs`, and sends a line by itself every `pushMs`. Options: {host, port, workMs, pushMs,
// greeting, answer: no answer if empty, drop: closes after this many lines without an answer}.
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, workMs = 0, pushMs, greeting, answer = 'an answer' } = JSON.parse(process.argv[2]);

async function converse(socket) {
  socket.on('error', () => undefined);
  if (greeting !== undefined) socket.write(`${greeting}\r\n`);
  const pushing = pushMs === undefined ? undefined : setInterval(() => socket.write('a push\r\n'), pushMs);
  for await (const _ of createInterface(socket)) {
    if (workMs > 0) await sleep(workMs);
    if (answer !== '') socket.write(`${answer}\r\n`);
  }
  clearInterval(pushing);
  socket.end();
}

const onConnection = (socket) => void converse(socket).catch(() => socket.destroy());
createServer({ noDelay: true, allowHalfOpen: true }, onConnection).listen({ host, port, backlog: 1024 });
