// Speaks a text protocol over TCP and prints its own count and durations. On each of `connections` connections: reads
// until `greeting` (a regular expression), then repeats `steps` `times` times, `idleMs` apart. A step sends `send` and
// reads until `until` matches what came since, then
// waits `idleMs`; one with `counts: false` is no request. Then sends `farewell`, and ends
// its side, or with `close: 'abrupt'` both. Options: {host, port, connections, times, idleMs, greeting, steps, farewell,
// close, half: ends its side with the last step, onPush: sent for each message that the server sends by itself
// (`pushed` of them, a regular expression `push`)}.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const given = JSON.parse(process.argv[2]);
const { host, port, connections = 1, times = 1, idleMs = 0, greeting, steps = [], farewell, close, half } = given;
const { onPush, pushed = 0, push } = given;
const truth = { requests: 0, durationsMs: [], connections: 0, sentBytes: 0, receivedBytes: 0 };

function reader(socket) {
  let text = '';
  let wake = () => undefined;
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    wake();
  });
  return async (pattern) => {
    const wanted = new RegExp(pattern, 's');
    for (let match; ;) {
      match = wanted.exec(text);
      if (match !== null) {
        text = text.slice(match.index + match[0].length);
        return;
      }
      await new Promise((resolve) => (wake = resolve));
    }
  };
}

async function take(step, socket, read, last) {
  const start = performance.now();
  socket.write(step.send);
  if (last && half) socket.end();
  await read(step.until);
  if (step.counts === false) return;
  truth.requests++;
  truth.durationsMs.push(performance.now() - start);
  if (step.idleMs > 0) await sleep(step.idleMs);
}

async function converse() {
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  truth.connections++;
  const read = reader(socket);
  if (greeting !== undefined) await read(greeting);
  for (let i = 0; i < times; i++) {
    for (const [index, step] of steps.entries())
      await take(step, socket, read, i === times - 1 && index === steps.length - 1);
    if (idleMs > 0) await sleep(idleMs);
  }
  for (let i = 0; i < pushed; i++) {
    await read(push);
    const start = performance.now();
    if (onPush !== undefined) socket.write(onPush);
    truth.requests++;
    truth.durationsMs.push(performance.now() - start);
  }
  if (farewell !== undefined) socket.write(farewell);
  if (close === 'abrupt') socket.destroy();
  else socket.end();
  await closed;
  truth.sentBytes += socket.bytesWritten;
  truth.receivedBytes += socket.bytesRead;
}

for (let i = 0; i < connections; i++) await converse();
process.stdout.write(`${JSON.stringify(truth)}\n`);
