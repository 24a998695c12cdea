// Sends HTTP requests and prints its own count and durations. Options: {host, port, requests, kept: on one connection,
// parallel: lanes with as many requests each, idleMs: between requests, lateMs: from the handshake to the request,
// resume: TLS sessions, method, bodyBytes, pieces and pieceMs of the body, expect: 100-continue, giveUpMs,
// tls: {ca: file, key and cert for mutual TLS, minVersion, maxVersion}}.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as tlsConnect } from 'node:tls';

const given = JSON.parse(process.argv[2]);
const { host, port, requests, kept = false, parallel = 1, idleMs = 0, lateMs = 0, resume = false, giveUpMs } = given;
const { method = 'GET', bodyBytes = 0, pieces = 1, pieceMs = 0, expect = false } = given;
const read = (path) => path && readFileSync(path);
const tls = given.tls && {
  ...given.tls,
  ca: read(given.tls.ca),
  key: read(given.tls.key),
  cert: read(given.tls.cert),
  checkServerIdentity: () => undefined,
};
const truth = { requests: 0, durationsMs: [], connections: 0, unanswered: 0 };
if (tls === undefined) Object.assign(truth, { sentBytes: 0, receivedBytes: 0 });
const known = new WeakSet();

function watch(socket) {
  if (known.has(socket)) return;
  known.add(socket);
  truth.connections++;
  if (tls !== undefined) return;
  socket.on('close', () => {
    truth.sentBytes += socket.bytesWritten;
    truth.receivedBytes += socket.bytesRead;
  });
}

async function send(outgoing) {
  const piece = Buffer.alloc(Math.ceil(bodyBytes / pieces), 'y');
  if (expect) await once(outgoing, 'continue');
  for (let sent = 1; sent < pieces; sent++) {
    outgoing.write(piece);
    await sleep(pieceMs);
  }
  outgoing.end(bodyBytes > 0 ? piece : undefined);
}

/** A connection that is ready before it is needed. */
async function connectAhead() {
  const socket = tlsConnect({ host, port, ...tls });
  await once(socket, 'secureConnect');
  // Reads the session tickets.
  socket.resume();
  await sleep(lateMs);
  return socket;
}

async function ask(agent) {
  const ahead = lateMs > 0 ? await connectAhead() : undefined;
  const start = performance.now();
  const headers = expect ? { expect: '100-continue', 'content-length': bodyBytes } : {};
  const options = { host, port, agent, method, headers, ...tls, ...(ahead && { createConnection: () => ahead }) };
  const outgoing = (tls === undefined ? request : tlsRequest)(options);
  outgoing.on('socket', watch);
  if (expect) outgoing.flushHeaders();
  if (giveUpMs !== undefined) outgoing.on('finish', () => setTimeout(() => outgoing.destroy(), giveUpMs));
  const answered = once(outgoing, 'response');
  try {
    const [[incoming]] = await Promise.all([answered, send(outgoing)]);
    for await (const _ of incoming);
    truth.requests++;
    truth.durationsMs.push(performance.now() - start);
  } catch (error) {
    if (giveUpMs === undefined) throw error;
    truth.unanswered++;
  }
}

async function lane() {
  const options = { keepAlive: kept, maxSockets: 1, ...(!resume && { maxCachedSessions: 0 }) };
  const agent = new (tls === undefined ? Agent : TlsAgent)(options);
  for (let i = 0; i < requests; i++) {
    await ask(lateMs > 0 ? undefined : agent);
    if (idleMs > 0) await sleep(idleMs);
  }
  agent.destroy();
}

await Promise.all(Array.from({ length: parallel }, lane));
process.on('exit', () => process.stdout.write(`${JSON.stringify(truth)}\n`));
