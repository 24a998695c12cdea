// A client and a server say lines in turn on one connection. Prints {} after the last one, and closes the connection when
// its standard input ends. Then prints {} again.
// {lines: [{by: 'client' | 'server', text, bytes, afterMs, calls, takenAfterMs}], port: of the server, 0: any}
//   text: as latin1; bytes: the text with so many more; afterMs: after the line before was received; calls: the text is
//   sent so many times, each after 5 ms; takenAfterMs: for this time the other side takes nothing.
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const { lines, port = 0 } = JSON.parse(process.argv[2]);
const sides = {};
const received = { client: 0, server: 0 };
const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => (sides.server = socket));
await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
sides.client = connect({ port: server.address().port, host: '127.0.0.1', noDelay: true });
await new Promise((resolve) => sides.client.once('connect', resolve));
while (sides.server === undefined) await sleep(1);
for (const side of ['client', 'server']) sides[side].on('data', (bytes) => (received[side] += bytes.length));

const expected = { client: 0, server: 0 };
for (const { by, text, bytes: more = 0, afterMs = 0, calls = 1, takenAfterMs } of lines) {
  await sleep(afterMs);
  const other = by === 'client' ? 'server' : 'client';
  if (takenAfterMs !== undefined) {
    sides[other].pause();
    setTimeout(() => sides[other].resume(), takenAfterMs);
  }
  const bytes = Buffer.from(text + 'x'.repeat(more), 'latin1');
  for (let call = 0; call < calls; call++) {
    if (call > 0) await sleep(5);
    sides[by].write(bytes);
    expected[other] += bytes.length;
  }
  while (received[other] < expected[other]) await sleep(1);
}
process.stdout.write('{}\n');
await new Promise((resolve) => process.stdin.resume().once('end', resolve));
sides.client.end();
await new Promise((resolve) => sides.server.once('end', resolve));
sides.server.end();
await new Promise((resolve) => sides.client.once('close', resolve));
server.close();
process.stdout.write('{}\n');
