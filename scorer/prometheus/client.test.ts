import { expect, test } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { serve } from '../../test/testserver/http.ts';
import { PrometheusClient } from './client.ts';

test.each([
  ['', '/api/v1/query'],
  ['/', '/api/v1/query'],
  ['/base', '/base/api/v1/query'],
  ['/base//?extra_label=cluster%3Da&x=', '/base/api/v1/query?extra_label=cluster%3Da&x='],
  ['?extra_label=cluster=a', '/api/v1/query?extra_label=cluster=a'],
])('path and query of the URL are kept: %s', async (suffix, expected) => {
  const seen: string[] = [];
  const server = await serve((request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`);
    response.end('{"status":"success","data":{"resultType":"vector","result":[]}}');
  });
  const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 10_000 });
  const url = `${server.url.replace('://', '://me:pw@')}${suffix}`;
  await new PrometheusClient({ url, http }).query('up', Date.now());
  await http.close();
  await server.stop();
  expect(seen).toEqual([`${expected} Basic ${Buffer.from('me:pw').toString('base64')}`]);
});
