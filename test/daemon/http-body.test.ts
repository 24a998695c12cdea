import { expect, test } from 'vitest';
import { flood } from '../hostile/answers/servers/flood.ts';
import { httpBed } from './http-bed.ts';

const { client, start } = httpBed('http-body');

test('of an error the first 64 KiB are read', async () => {
  const server = await start((_request, response) => {
    response.statusCode = 503;
    void flood(response, 'start', 'x');
  });
  const { status, body } = await client().request({ method: 'GET', url: server.url });
  expect(status).toBe(503);
  expect(body).toHaveLength(65_536);
  expect(body.toString('utf8', 0, 5)).toBe('start');
});

test('a reader that needs no more ends the response', async () => {
  const server = await start((_request, response) => void flood(response, '', 'x'));
  let chunks = 0;
  const { status } = await client().request({ method: 'GET', url: server.url, onBody: () => ++chunks < 3 });
  expect([status, chunks]).toEqual([200, 3]);
});

test('a response of which the start is needed ends there, and is not waited for', async () => {
  const server = await start((_request, response) => void flood(response, 'start', 'x'));
  const { status, body } = await client().request({ method: 'GET', url: server.url, keepBytes: 5 });
  expect([status, body.toString()]).toEqual([200, 'start']);
});

test('a connection is kept after responses that end within what is needed', async () => {
  let connections = 0;
  const server = await start((_request, response) => response.end('ok'));
  server.server.on('connection', () => connections++);
  const http = client();
  for (let i = 0; i < 20; i++) await http.request({ method: 'POST', url: server.url, body: 'x', keepBytes: 100 });
  expect(connections).toBeLessThanOrEqual(2);
});
