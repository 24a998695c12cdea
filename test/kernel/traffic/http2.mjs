// A server of HTTP/2 in clear text that answers after `delayMs`, and a client that sends it `count` requests, `parallel`
// at a time, with `idleMs` between two. Prints the client's count and mean duration in milliseconds.
// Each answer has the next of `statuses`, the next of the `grpc` codes as trailers (`trailersOnly`: as headers), and
// `headers`.
// {count, parallel, delayMs, idleMs, bodyBytes, cancelled, statuses, grpc, trailersOnly, headers, early, tableSize}
import { connect, createServer } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';

const {
  count,
  parallel = 1,
  delayMs = 0,
  idleMs = 0,
  bodyBytes = 0,
  cancelled = 0,
  ...answers
} = JSON.parse(process.argv[2]);
const { statuses = [200], grpc, trailersOnly = false, headers: more = {}, early = false, tableSize = 4096 } = answers;

const body = Buffer.alloc(bodyBytes, 'y');

const server = createServer();
server.on('stream', async (stream, headers) => {
  stream.on('error', () => undefined);
  stream.resume();
  if (headers[':path'] === '/never') return;
  await new Promise((resolve) => stream.once('end', resolve));
  await sleep(delayMs);
  const turn = Number(headers['x-turn']);
  const status = { 'grpc-status': String(grpc?.[turn % grpc.length]) };
  const answer = {
    ':status': statuses[turn % statuses.length],
    ...more,
    ...(grpc && { 'content-type': 'application/grpc' }),
  };
  if (early) stream.additionalHeaders({ ':status': 103, link: '</a>' });
  if (trailersOnly) {
    stream.respond({ ...answer, ...status }, { endStream: true });
    return;
  }
  if (grpc) stream.on('wantTrailers', () => stream.sendTrailers({ ...status, 'grpc-message': 'none' }));
  stream.respond(answer, { waitForTrailers: grpc !== undefined });
  stream.end(body);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));

const session = connect(`http://127.0.0.1:${server.address().port}`, { settings: { headerTableSize: tableSize } });
let turn = 0;
let sum = 0;

async function ask() {
  const start = performance.now();
  const stream = session.request({ ':method': 'POST', ':path': '/', 'x-turn': turn++ });
  stream.end(body);
  await new Promise((resolve, reject) => stream.once('response', resolve).once('error', reject));
  sum += performance.now() - start;
  stream.resume();
  await new Promise((resolve) => stream.once('end', resolve));
}

for (let i = 0; i < count; i += parallel) {
  await Promise.all(Array.from({ length: Math.min(parallel, count - i) }, ask));
  await sleep(idleMs);
}
for (let i = 0; i < cancelled; i++) {
  const stream = session.request({ ':path': '/never' });
  stream.on('error', () => undefined);
  await sleep(20);
  stream.close(8);
  await new Promise((resolve) => stream.once('close', resolve));
}
session.close();
await new Promise((resolve) => session.once('close', resolve));
server.close();
process.stdout.write(`${JSON.stringify({ requests: count, meanMs: sum / count })}\n`);
