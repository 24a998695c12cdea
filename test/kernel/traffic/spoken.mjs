// A server that sends `texts` in turn, one after each message of the client, and a client that sends `count` messages,
// then closes. The texts of an array are sent one after another. Prints the number of bytes received by the client.
// Options: {host, texts, count, greeting: sent before the client's first message, question}.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, texts, count, greeting, question = 'question' } = JSON.parse(process.argv[2]);

const server = createServer({ noDelay: true }, async (socket) => {
  let turn = 0;
  socket.on('error', () => undefined);
  if (greeting !== undefined) socket.write(greeting);
  for await (const _ of socket) {
    for (const text of [texts[turn++ % texts.length]].flat()) {
      socket.write(text);
      // So that each is a separate segment.
      await sleep(5);
    }
  }
  socket.end();
}).listen(0, host);
await once(server, 'listening');

let received = 0;
const client = connect({ host, port: server.address().port, noDelay: true });
const take = async (length) => {
  for (const goal = received + length; received < goal;) received += (await once(client, 'data'))[0].length;
};
await once(client, 'connect');
if (greeting !== undefined) await take(greeting.length);
for (let i = 0; i < count; i++) {
  client.write(question);
  await take([texts[i % texts.length]].flat().join('').length);
}
client.end();
await once(client.resume(), 'close');
server.close();
process.stdout.write(`${JSON.stringify({ received })}\n`);
