// Publishes `messages` messages, one each `everyMs`, and consumes them on another connection with `workMs` of work and an
// acknowledgement each. Prints its own count, and the work as durations. Options: {host, port, messages, everyMs, workMs,
// packages: the folder with amqplib}.
import { EventEmitter, once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, messages, everyMs, workMs, packages } = JSON.parse(process.argv[2]);
const { connect } = createRequire(`${packages}/`)('amqplib');
const url = `amqp://lab:lab@${host}:${port}/`;
const truth = { requests: 0, durationsMs: [], connections: 2 };
const progress = new EventEmitter();

const consumer = await connect(url);
const channel = await consumer.createChannel();
await channel.assertQueue('lab');
await channel.prefetch(1);

async function work(message) {
  const start = performance.now();
  await sleep(workMs);
  channel.ack(message);
  truth.durationsMs.push(performance.now() - start);
  truth.requests++;
  if (truth.requests === messages) progress.emit('done');
}

const done = once(progress, 'done');
await channel.consume('lab', (message) => void work(message));
const publisher = await connect(url);
const outgoing = await publisher.createChannel();
for (let i = 0; i < messages; i++) {
  outgoing.sendToQueue('lab', Buffer.from('a message'));
  await sleep(everyMs);
}
await done;
await Promise.all([publisher.close(), consumer.close()]);
process.stdout.write(`${JSON.stringify(truth)}\n`);
