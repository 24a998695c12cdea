import { mkdtempSync, rmSync } from 'node:fs';
import { request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JsonHttpError, requestJson, serveJson } from './json-http.ts';

const directory = mkdtempSync(join(tmpdir(), 'json-http-'));
const path = join(directory, 'test.sock');
let server: Server;

beforeAll(async () => {
  server = await serveJson(path, {
    'GET /nothing': () => undefined,
    'POST /echo': (body) => ({ body }),
    'POST /refuse': () => {
      throw new JsonHttpError(409, 'not now');
    },
    'POST /break': () => Promise.reject(new Error('broken')),
  });
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

/** A request by another client. */
function raw(headers: Record<string, string>, body: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: path, path: '/echo', method: 'POST', headers, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      incoming.resume();
      resolve(incoming.statusCode);
    });
    outgoing.end(body);
  });
}

describe('serveJson and requestJson', () => {
  it('exchange JSON', async () => {
    expect(await requestJson(path, 'POST /echo', { name: 'ü', list: [1, null] })).toEqual({
      body: { name: 'ü', list: [1, null] },
    });
    expect(await requestJson(path, 'POST /echo')).toEqual({});
    expect(await requestJson(path, 'GET /nothing')).toEqual({});
  });

  it.each([
    ['POST /refuse', 409, 'not now'],
    ['POST /break', 500, 'broken'],
    ['GET /echo', 404, 'no such resource: GET /echo'],
    ['GET /toString', 404, 'no such resource: GET /toString'],
  ])('%s rejects with %i', async (call, status, message) => {
    const error = await requestJson(path, call).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(JsonHttpError);
    expect(error).toMatchObject({ status, message });
  });

  it('reject bodies that are not JSON, too long or sent by a web page', async () => {
    expect(await raw({ 'content-type': 'application/json' }, '{')).toBe(400);
    expect(await raw({ 'content-type': 'text/plain' }, '{}')).toBe(415);
    expect(await raw({ 'content-type': 'application/json' }, JSON.stringify('x'.repeat(70_000)))).toBe(413);
  });

  it('reject without a server', async () => {
    await expect(requestJson(join(directory, 'nobody.sock'), 'GET /')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
