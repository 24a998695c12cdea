// Sends HTTP/2 requests on one connection and prints its own count and durations. Options: {url, requests, parallel:
// streams at a time, idleMs, bodyBytes, ca: file}.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

const { url, requests, parallel = 1, idleMs = 0, bodyBytes = 0, ca } = JSON.parse(process.argv[2]);
const truth = { requests: 0, durationsMs: [], connections: 1 };
const session = connect(url, ca && { ca: readFileSync(ca), checkServerIdentity: () => undefined });
await once(session, 'connect');

async function ask() {
  const start = performance.now();
  const stream = session.request({ ':path': '/', ':method': bodyBytes > 0 ? 'POST' : 'GET' });
  stream.end(bodyBytes > 0 ? Buffer.alloc(bodyBytes, 'y') : undefined);
  for await (const _ of stream);
  truth.requests++;
  truth.durationsMs.push(performance.now() - start);
}

async function lane() {
  for (let i = 0; i < requests; i++) {
    await ask();
    if (idleMs > 0) await sleep(idleMs);
  }
}

await Promise.all(Array.from({ length: parallel }, lane));
session.close();
await once(session, 'close');
process.stdout.write(`${JSON.stringify(truth)}\n`);
