// Publishes `messages` messages with QoS 1, one each `everyMs`, and receives them on another connection. Prints its own
// count, and the time to the broker's acknowledgement as durations. Options: {host, port, messages, everyMs, packages:
// the folder with mqtt}.
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, messages, everyMs, packages } = JSON.parse(process.argv[2]);
const { connectAsync } = createRequire(`${packages}/`)('mqtt');
const truth = { requests: 0, durationsMs: [], connections: 2 };

const subscriber = await connectAsync(`mqtt://${host}:${port}`);
await subscriber.subscribeAsync('lab', { qos: 1 });
subscriber.on('message', () => {
  truth.requests++;
  subscriber.emit(`message ${truth.requests}`);
});
const received = once(subscriber, `message ${messages}`);
const publisher = await connectAsync(`mqtt://${host}:${port}`);
for (let i = 0; i < messages; i++) {
  const start = performance.now();
  await publisher.publishAsync('lab', 'a message', { qos: 1 });
  truth.durationsMs.push(performance.now() - start);
  await sleep(everyMs);
}
await received;
await Promise.all([publisher.endAsync(), subscriber.endAsync()]);
process.stdout.write(`${JSON.stringify(truth)}\n`);
