import type { Case } from '../case.ts';
import { NGINX, pathOf, PYTHON_PACKAGES } from '../tools.ts';
import { ask, curl, PORT, serve } from './programs.ts';
import { serveNginx } from './nginx.ts';

const WORK_MS = 50;
const BODY_BYTES = 200_000;

export const HTTP2: readonly Case[] = [
  {
    name: '8 responses of 200 KB, 1 s apart, node and node',
    protocol: 'HTTP/2',
    always: true,
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.server, 'web-server.mjs', { kind: 'h2c', workMs: WORK_MS, bodyBytes: BODY_BYTES });
    },
    ask(stage) {
      return ask(stage, 'http2-client.mjs', {
        url: `http://${stage.server.address}:${PORT}`,
        requests: 8,
        idleMs: 1000,
      });
    },
  },
  {
    name: '10 streams at a time, 5 requests each, node and node',
    protocol: 'HTTP/2',
    always: true,
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.server, 'web-server.mjs', { kind: 'h2c', workMs: WORK_MS });
    },
    ask(stage) {
      return ask(stage, 'http2-client.mjs', {
        url: `http://${stage.server.address}:${PORT}`,
        requests: 5,
        parallel: 10,
      });
    },
  },
  {
    name: '4 uploads of 200 KB, 0.5 s apart, node and node',
    protocol: 'HTTP/2',
    always: true,
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.server, 'web-server.mjs', { kind: 'h2c', workMs: WORK_MS });
    },
    ask(stage) {
      return ask(stage, 'http2-client.mjs', {
        url: `http://${stage.server.address}:${PORT}`,
        requests: 4,
        idleMs: 500,
        bodyBytes: BODY_BYTES,
      });
    },
  },
  {
    name: '8 responses of 200 KB, 1 s apart, node and nginx',
    protocol: 'HTTP/2',
    needs: [NGINX],
    expected: 'exact',
    async serve(stage) {
      await serveNginx(stage, pathOf(NGINX), { listen: 'http2', bodyBytes: BODY_BYTES });
    },
    ask(stage) {
      return ask(stage, 'http2-client.mjs', {
        url: `http://${stage.server.address}:${PORT}`,
        requests: 8,
        idleMs: 1000,
      });
    },
  },
  {
    name: 'a new connection for each request, curl and nginx',
    protocol: 'HTTP/2',
    needs: [NGINX],
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.backend, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
      await serveNginx(stage, pathOf(NGINX), { listen: 'http2' });
    },
    ask(stage) {
      return curl(stage, 5, '--http2-prior-knowledge', `http://${stage.server.address}:${PORT}/`);
    },
  },
  {
    name: '5 requests, 0.5 s apart, node and node',
    protocol: 'HTTP/2 over TLS 1.3',
    always: true,
    expected: 'absent',
    workMs: WORK_MS,
    async serve(stage) {
      const tls = { ...stage.certificate };
      await serve(stage.server, 'web-server.mjs', { kind: 'h2', workMs: WORK_MS, tls });
    },
    ask(stage) {
      return ask(stage, 'http2-client.mjs', {
        url: `https://${stage.server.address}:${PORT}`,
        requests: 5,
        idleMs: 500,
        ca: stage.certificate.cert,
      });
    },
  },
  {
    name: '5 requests, 0.5 s apart, httpx and nginx',
    known: 'the client offers HTTP/1.1 as well, and the choice is encrypted',
    protocol: 'HTTP/2 over TLS 1.3',
    needs: [NGINX, PYTHON_PACKAGES],
    expected: 'absent',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.backend, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
      await serveNginx(stage, pathOf(NGINX), { listen: 'ssl http2', lines: ['ssl_protocols TLSv1.3;'] });
    },
    ask(stage) {
      const options = { requests: 5, idleMs: 500, kept: true, http2: true, library: 'httpx' };
      const { cert } = stage.certificate;
      return ask(stage, 'https-client.py', { ...options, cert }, pathOf(PYTHON_PACKAGES));
    },
  },
];
