import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Observer } from './observation.ts';

const asked: URL[] = [];
const server = createServer((incoming, response) => {
  const url = new URL(incoming.url ?? '/', 'http://localhost');
  asked.push(url);
  const result = [{ metric: { service: 'cart' }, value: [0, '1.5'] }];
  const alerts = [{ labels: { service: 'cart' } }];
  response.end(JSON.stringify(url.pathname === '/api/v1/query' ? { data: { result } } : alerts));
});
let observer: Observer;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  observer = new Observer(url, url, { detector: 'instance_outlier', alert: 'InstanceDiffers' });
});
afterAll(() => server.close());

it('reads the scores of one detector, of a service or of one pod', async () => {
  expect(await observer.scores()).toEqual(new Map([['cart', 1.5]]));
  expect(asked.at(-1)?.searchParams.get('query')).toBe('max by (service) (anomaly_score{detector="instance_outlier"})');
  await observer.scores('cart-2');
  expect(asked.at(-1)?.searchParams.get('query')).toBe(
    'max by (service) (anomaly_score{detector="instance_outlier",pod="cart-2"})',
  );
});

it('reads the services with an active alert', async () => {
  expect(await observer.firingServices()).toEqual(['cart']);
  expect(asked.at(-1)?.searchParams.get('filter')).toBe('alertname="InstanceDiffers"');
});
