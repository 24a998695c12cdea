import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLogger } from '../../../../daemon/logger.ts';
import { ApiClient } from './api-client.ts';
import type { ApiObject } from './metadata.ts';
import { Reflector } from './reflector.ts';

/** A fake server with scripted responses, for cases that a real one does not produce on demand. */
type Answer = (response: ServerResponse, query: URLSearchParams) => void;

let server: Server;
let answers: Answer[];
let asked: Record<string, string>[];
let log: string[];
let reflector: Reflector<string>;
let changes: number;

beforeEach(async () => {
  [answers, asked, log, changes] = [[], [], [], 0];
  server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://server').searchParams;
    asked.push(Object.fromEntries(query));
    const answer = answers.shift() ?? hang;
    answer(response, query);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const credentials = { server: `http://127.0.0.1:${port}`, forRequest: async () => ({ headers: {} }) };
  reflector = new Reflector({
    client: new ApiClient(credentials, 'test'),
    resource: {
      name: 'pods',
      path: '/api/v1/pods',
      query: { fieldSelector: 'spec.nodeName=n' },
      compact: ({ metadata: { labels } }) => labels?.['app'],
    },
    logger: createLogger({ write: (line) => log.push(line) }),
    onChange: () => changes++,
    random: () => 0.01,
    idleMs: 300,
  });
});
afterEach(async () => {
  await reflector.close();
  server.closeAllConnections();
  server.close();
});

const pod = (name: string, app: string | undefined, version = '0'): ApiObject => ({
  metadata: { namespace: 'shop', name, resourceVersion: version, ...(app !== undefined && { labels: { app } }) },
});

const list =
  (version: string, pods: readonly ApiObject[], next = ''): Answer =>
  (response) =>
    response.end(JSON.stringify({ metadata: { resourceVersion: version, continue: next }, items: pods }));

const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

/** Sends events without ending the response. */
const events =
  (...lines: readonly string[]): Answer =>
  (response) =>
    void response.writeHead(200).write(lines.join(''));

const refuse =
  (status: number, message: string, headers: Record<string, string> = {}): Answer =>
  (response) =>
    void response.writeHead(status, headers).end(JSON.stringify({ kind: 'Status', message, code: status }));

const hang: Answer = (response) => response.writeHead(200).flushHeaders();

const known = () => Object.fromEntries(reflector.objects);
const soon = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });

it('lists page by page, then watches from there', async () => {
  answers = [
    list('7', [pod('a', 'cart'), pod('none', undefined)], 'more'),
    list('7', [pod('b', 'front')]),
    events(line('ADDED', pod('c', 'db', '8')), line('BOOKMARK', { metadata: { resourceVersion: '9' } })),
  ];
  reflector.start();
  await soon(() => expect(known()).toEqual({ 'shop/a': 'cart', 'shop/b': 'front', 'shop/c': 'db' }));
  expect(reflector.synced).toBe(true);
  expect(asked.slice(0, 3)).toEqual([
    { fieldSelector: 'spec.nodeName=n', limit: '500', resourceVersion: '0' },
    { fieldSelector: 'spec.nodeName=n', limit: '500', continue: 'more' },
    {
      fieldSelector: 'spec.nodeName=n',
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: '7',
      timeoutSeconds: '303',
    },
  ]);
  expect(reflector.counts).toMatchObject({ lists: 2, events: 1 });
});

it('reports only changes of used fields', async () => {
  answers = [
    list('1', [pod('a', 'cart'), pod('b', 'front')]),
    events(line('MODIFIED', pod('a', 'cart', '2')), line('MODIFIED', pod('none', undefined, '3'))),
  ];
  reflector.start();
  await soon(() => expect(reflector.counts.events).toBe(2));
  expect(changes).toBe(1);
  answers = [events(line('MODIFIED', pod('a', 'basket', '4')), line('DELETED', pod('b', 'front', '5')))];
  await soon(() => expect(known()).toEqual({ 'shop/a': 'basket' }));
  expect(changes).toBe(3);
  expect(asked.find(({ resourceVersion }) => resourceVersion === '3')).toBeDefined();
});

it.each([
  ['an event', events(line('ERROR', { code: 410, message: 'too old resource version' }))],
  ['an answer', refuse(410, 'Expired')],
  ['a server restored from a backup', refuse(504, 'Timeout: Too large resource version: 9, current: 5')],
])('lists the current state again after an expired version: %s', async (_name, gone) => {
  answers = [list('1', [pod('a', 'cart'), pod('b', 'front')]), gone, list('50', [pod('b', 'db'), pod('c', 'db')])];
  reflector.start();
  await soon(() => expect(known()).toEqual({ 'shop/b': 'db', 'shop/c': 'db' }));
  expect(asked[2]).toEqual({ fieldSelector: 'spec.nodeName=n', limit: '500' });
  await soon(() => expect(asked[3]).toMatchObject({ watch: '1', resourceVersion: '50' }));
  expect(reflector.counts.failures).toBe(0);
});

it('restarts a list when its next page has expired, and never has an incomplete list', async () => {
  answers = [
    list('1', [pod('a', 'cart')], 'more'),
    refuse(410, 'The provided continue parameter is too old'),
    list('2', [pod('b', 'front')]),
  ];
  reflector.start();
  await soon(() => expect(reflector.synced).toBe(true));
  expect(known()).toEqual({ 'shop/b': 'front' });
  expect(asked[2]).toEqual({ fieldSelector: 'spec.nodeName=n', limit: '500' });
});

it('ends a watch that hangs, and continues from its resource version', async () => {
  answers = [list('1', [pod('a', 'cart')]), hang, events(line('ADDED', pod('b', 'front', '2')))];
  reflector.start();
  await soon(() => expect(known()).toEqual({ 'shop/a': 'cart', 'shop/b': 'front' }));
  expect(asked[2]).toMatchObject({ watch: '1', resourceVersion: '1' });
  expect(log.join('\n')).toContain('timeout: no data for 0.3 s');
});

it('assembles events from chunks', async () => {
  const text = Buffer.from(line('ADDED', pod('a', 'Käse ✓', '2')) + line('ADDED', pod('b', 'front', '3')));
  answers = [
    list('1', []),
    (response) => {
      response.writeHead(200);
      const send = (start: number): void => {
        if (start >= text.length) return;
        response.write(text.subarray(start, start + 11));
        setImmediate(send, start + 11);
      };
      send(0);
    },
  ];
  reflector.start();
  await soon(() => expect(known()).toEqual({ 'shop/a': 'Käse ✓', 'shop/b': 'front' }));
});

it('keeps its objects while the server fails, logs that once, and recovers', async () => {
  answers = [list('1', [pod('a', 'cart')]), ...Array.from({ length: 5 }, () => refuse(403, 'pods is forbidden'))];
  reflector.start();
  await soon(() => expect(reflector.counts.failures).toBe(5));
  expect(known()).toEqual({ 'shop/a': 'cart' });
  await soon(() => expect(reflector.failure).toBeUndefined());
  expect(log.filter((entry) => entry.includes('cannot read from'))).toEqual([
    expect.stringContaining('error="403: pods is forbidden" '.trim()),
  ]);
  expect(log.filter((entry) => entry.includes('available again'))).toHaveLength(1);
  expect(asked.filter(({ watch }) => watch === undefined)).toHaveLength(1);
});

it('waits for the time in Retry-After', async () => {
  const times: number[] = [];
  const timed =
    (answer: Answer): Answer =>
    (response, query) => {
      times.push(performance.now());
      answer(response, query);
    };
  answers = [timed(refuse(429, 'too many requests', { 'Retry-After': '1' })), timed(list('1', []))];
  reflector.start();
  await soon(() => expect(reflector.synced).toBe(true));
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(950);
});

it('pauses between watches that the server ends immediately', async () => {
  const end: Answer = (response) => void response.end();
  answers = [list('1', []), ...Array.from({ length: 200 }, () => end)];
  reflector.start();
  await soon(() => expect(reflector.counts.watches).toBeGreaterThan(5));
  // One hundredth of 500 ms, 1 s, 2 s, 4 s, ...: not hundreds.
  expect(reflector.counts.watches).toBeLessThan(20);
});

it.each([
  [
    'a list that breaks off',
    (response: ServerResponse) => void response.end('{"metadata":{"resourceVersion":"1"},"items":[{'),
  ],
  ['an answer that is no list', (response: ServerResponse) => void response.end('{}')],
  ['a page of a proxy', (response: ServerResponse) => void response.writeHead(502).end('<html>')],
])('tries again after %s', async (_name, broken) => {
  answers = [broken, list('1', [pod('a', 'cart')])];
  reflector.start();
  await soon(() => expect(known()).toEqual({ 'shop/a': 'cart' }));
  expect(reflector.counts.failures).toBe(1);
});

it('ends immediately while it pauses or waits', async () => {
  answers = [refuse(503, 'away', { 'Retry-After': '60' })];
  reflector.start();
  await soon(() => expect(reflector.counts.failures).toBe(1));
  expect(reflector.failure).toBe('503: away');
  await reflector.close();
});
