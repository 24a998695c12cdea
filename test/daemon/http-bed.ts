import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { afterAll, afterEach } from 'vitest';
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  httpClientSchema,
} from '../../daemon/http-client/client.ts';
import { type RunningServer, serve } from '../testserver/http.ts';

/** Clients and servers that end with each test, and a folder that ends with the file. */
export interface HttpBed {
  readonly folder: string;
  readonly client: (settings?: unknown, options?: Partial<HttpClientOptions>) => HttpClient;
  readonly start: (
    listener: (request: IncomingMessage, response: ServerResponse) => void,
    tls?: Parameters<typeof serve>[1],
  ) => Promise<RunningServer>;
  /** Answers a CONNECT of a proxy's client, and passes everything on to a port. */
  readonly tunnel: (socket: Duplex, port: number) => void;
}

/** @param name part of the folder's name */
export function httpBed(name: string): HttpBed {
  const folder = mkdtempSync(join(tmpdir(), `lorikeet-${name}-${process.pid}-`));
  const stops: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    client(settings = {}, options = {}) {
      const made = createHttpClient(httpClientSchema.parse(settings), { timeoutMs: 10_000, ...options });
      stops.push(() => made.close());
      return made;
    },
    async start(listener, tls) {
      const server = await serve(listener, tls);
      stops.push(() => server.stop());
      return server;
    },
    tunnel(socket, port) {
      const upstream = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      stops.push(async () => {
        upstream.destroy();
        socket.destroy();
      });
    },
  };
}
