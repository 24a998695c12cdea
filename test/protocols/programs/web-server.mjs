// Answers every request `workMs` after its end with `bodyBytes` bytes. Options: {kind: 'http' | 'https' | 'h2c' | 'h2',
// host, port, workMs, bodyBytes, pieces: parts of the body, `pieceMs` apart, tls: {key, cert: files, minVersion,
// maxVersion, requestCert}}.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, createSecureServer } from 'node:http2';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

const given = JSON.parse(process.argv[2]);
const { kind, host, port, workMs = 0, bodyBytes = 2, pieces = 1, pieceMs = 0, tls = {} } = given;
const piece = Buffer.alloc(Math.ceil(bodyBytes / pieces), 'x');

async function answer(request, response) {
  try {
    for await (const _ of request);
    if (workMs > 0) await sleep(workMs);
    for (let sent = 1; sent < pieces; sent++) {
      response.write(piece);
      await sleep(pieceMs);
    }
    response.end(piece);
  } catch {
    // The client has gone.
  }
}

const read = (path) => path && readFileSync(path);
const secure = () => ({ ...tls, key: read(tls.key), cert: read(tls.cert), ca: read(tls.cert) });
const handle = (request, response) => void answer(request, response);
const server = {
  http: () => createServer(handle),
  https: () => createTlsServer(secure(), handle),
  h2c: () => createHttp2Server(handle),
  h2: () => createSecureServer(secure(), handle),
}[kind]();
server.keepAliveTimeout = 60_000;
server.listen({ host, port, backlog: 1024 });
