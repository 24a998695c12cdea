import type { Case, Truth } from '../case.ts';
import type { Stage } from '../lab.ts';
import { pathOf, NGINX } from '../tools.ts';
import { ask, curl, PORT, serve } from './programs.ts';
import { serveNginx } from './nginx.ts';

const WORK_MS = 50;

type Options = Readonly<Record<string, unknown>>;

/** HTTP/1.1 between two Node.js programs. */
function nodeCase(name: string, server: Options, client: Options, more: Partial<Case> = {}): Case {
  const { workMs = WORK_MS } = more;
  return {
    name,
    protocol: 'HTTP/1.1',
    always: true,
    expected: 'exact',
    workMs,
    async serve(stage) {
      await serve(stage.server, 'web-server.mjs', { kind: 'http', workMs, ...server });
    },
    ask(stage) {
      return ask(stage, 'web-client.mjs', client);
    },
    ...more,
  };
}

function curlUpload(stage: Stage): Promise<Truth> {
  const url = `http://${stage.server.address}:${PORT}/`;
  return curl(stage, 5, '--header', 'Expect: 100-continue', '--data-binary', 'x'.repeat(2000), url);
}

const QUESTION = 'GET / HTTP/1.1\r\nHost: lab\r\n\r\n';

export const HTTP: readonly Case[] = [
  nodeCase('a new connection for each request', {}, { requests: 10 }),
  nodeCase('kept alive, 0.5 s idle between requests', {}, { requests: 4, kept: true, idleMs: 500 }),
  nodeCase('1 MB bodies both ways', { bodyBytes: 1e6 }, { requests: 4, kept: true, method: 'POST', bodyBytes: 1e6 }),
  nodeCase(
    'chunked upload in 4 pieces, 50 ms apart',
    {},
    { requests: 3, kept: true, method: 'POST', bodyBytes: 4e4, pieces: 4, pieceMs: 50 },
  ),
  nodeCase('chunked response in 4 pieces, 50 ms apart', { bodyBytes: 4e4, pieces: 4, pieceMs: 50 }, { requests: 3 }),
  nodeCase('long poll of 2 s', {}, { requests: 2, kept: true }, { workMs: 2000 }),
  nodeCase('a slow server, 3 s', {}, { requests: 1 }, { workMs: 3000 }),
  nodeCase('the client gives up after 100 ms', {}, { requests: 3, giveUpMs: 100 }, { workMs: 1000 }),
  nodeCase(
    'upload with Expect: 100-continue, node',
    {},
    { requests: 5, kept: true, method: 'POST', bodyBytes: 2000, expect: true },
  ),
  {
    name: 'upload with Expect: 100-continue, curl',
    protocol: 'HTTP/1.1',
    always: true,
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.server, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
    },
    ask: curlUpload,
  },
  {
    name: '3 batches of 4 pipelined requests, as round trips',
    protocol: 'HTTP/1.1',
    always: true,
    expected: 'exact',
    async serve(stage) {
      await serve(stage.server, 'web-server.mjs', { kind: 'http' });
    },
    ask(stage) {
      const steps = [{ send: QUESTION.repeat(4), until: '(HTTP/1.1 200.*?\r\n\r\n.*?xx.*?){4}' }];
      return ask(stage, 'dialogue.mjs', { times: 3, steps });
    },
  },
  {
    name: 'half-closed after the request',
    protocol: 'HTTP/1.1',
    always: true,
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.server, 'line-server.mjs', { workMs: WORK_MS });
    },
    ask(stage) {
      return ask(stage, 'dialogue.mjs', {
        connections: 4,
        half: true,
        steps: [{ send: 'GET /\r\n', until: 'an answer' }],
      });
    },
  },
  {
    name: 'upload with Expect: 100-continue, curl and nginx',
    protocol: 'HTTP/1.1',
    needs: [NGINX],
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.backend, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
      await serveNginx(stage, pathOf(NGINX));
    },
    ask: curlUpload,
  },
  {
    name: 'nginx in front of a slow server',
    protocol: 'HTTP/1.1',
    needs: [NGINX],
    expected: 'exact',
    workMs: WORK_MS,
    async serve(stage) {
      await serve(stage.backend, 'web-server.mjs', { kind: 'http', workMs: WORK_MS });
      await serveNginx(stage, pathOf(NGINX));
    },
    ask(stage) {
      return ask(stage, 'web-client.mjs', { requests: 8 });
    },
  },
];
