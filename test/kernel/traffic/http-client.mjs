// Sends requests one after another in each of `parallel` lanes and prints the bytes of its sockets. Options:
// {host, port, single: connections of one request each, kept: requests on one connection, parallel, bodyBytes,
// statuses: requested in turn, tls}.
import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';

const given = JSON.parse(process.argv[2]);
const { host, port, single = 0, kept = 0, parallel = 1, bodyBytes = 0, statuses = [200], tls } = given;
const moved = { sent: 0, received: 0, requests: 0, connections: 0 };
const body = Buffer.alloc(bodyBytes, 'y');
const makeAgent = (keepAlive) => new (tls === undefined ? Agent : TlsAgent)({ keepAlive, maxSockets: 1 });
const start = tls === undefined ? request : tlsRequest;
let asked = 0;
const known = new WeakSet();

function watch(socket) {
  if (known.has(socket)) return;
  known.add(socket);
  moved.connections++;
  socket.on('close', () => {
    moved.sent += socket.bytesWritten;
    moved.received += socket.bytesRead;
  });
}

function ask(agent) {
  return new Promise((resolve, reject) => {
    const path = `/${statuses[asked++ % statuses.length]}`;
    const options = { host, port, path, agent, method: 'POST', headers: { 'content-length': bodyBytes }, ...tls };
    const outgoing = start(options, (incoming) => {
      incoming.resume().on('end', () => {
        moved.requests++;
        resolve();
      });
    });
    outgoing.on('socket', watch).on('error', reject);
    outgoing.end(body);
  });
}

async function lane() {
  const closing = makeAgent(false);
  for (let i = 0; i < single; i++) await ask(closing);
  const keeping = makeAgent(true);
  for (let i = 0; i < kept; i++) await ask(keeping);
  keeping.destroy();
}

await Promise.all(Array.from({ length: parallel }, lane));
process.on('exit', () => process.stdout.write(`${JSON.stringify(moved)}\n`));
