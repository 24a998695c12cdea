import type { RequestListener } from 'node:http';
import { expect, it } from 'vitest';
import { KeptListeners } from './kept-listeners.ts';
import { exchange } from './testdata/web-server.ts';

const answering =
  (text: string): RequestListener =>
  (_request, response) =>
    void response.end(text);

it('hands a port over to a successor, and back if that fails', async () => {
  const kept = new KeptListeners();
  const address = '127.0.0.1:0';
  const first = await kept.listen(answering('first'), address);
  const served = async () => (await exchange(`http://${first.address}/`)).body.toString();
  expect(await served()).toBe('first');
  const failed = await kept.listen(answering('failed'), address);
  expect([failed.address, await served()]).toEqual([first.address, 'failed']);
  await failed.close();
  await failed.close();
  expect(await served()).toBe('first');
  const second = await kept.listen(answering('second'), address);
  await first.close();
  expect(await served()).toBe('second');
  await second.close();
  await expect(served()).rejects.toThrow(/ECONNREFUSED/);
});
