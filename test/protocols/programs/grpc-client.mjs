// Calls the method Ask of /lab.Lab on one channel, with the library of Node.js, and prints its own count and durations.
// Options: {host, port, calls: of each lane, parallel: lanes, idleMs, packages: the folder with @grpc/grpc-js}.
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, calls, parallel = 1, idleMs = 0, packages } = JSON.parse(process.argv[2]);
const { Client, credentials } = createRequire(`${packages}/`)('@grpc/grpc-js');
const truth = { requests: 0, durationsMs: [], connections: 1 };
const client = new Client(`${host}:${port}`, credentials.createInsecure());
const same = (bytes) => bytes;

function ask() {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    client.makeUnaryRequest('/lab.Lab/Ask', same, same, Buffer.from('a question'), (error) => {
      if (error) return reject(error);
      truth.requests++;
      truth.durationsMs.push(performance.now() - start);
      return resolve();
    });
  });
}

async function lane() {
  for (let i = 0; i < calls; i++) {
    await ask();
    if (idleMs > 0) await sleep(idleMs);
  }
}

await Promise.all(Array.from({ length: parallel }, lane));
client.close();
process.stdout.write(`${JSON.stringify({ ...truth, responses: { OK: truth.requests } })}\n`);
