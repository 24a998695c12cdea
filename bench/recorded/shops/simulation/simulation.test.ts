import { expect, test } from 'vitest';
import type { Trouble } from '../faults/fault.ts';
import { lasting } from '../laws/duration.ts';
import type { Topology } from '../topology/topology.ts';
import { callTo, live, shopService, smallShop } from './small-shop.testdata.ts';

function fault(harm: Trouble['harm'], amount: number, other: Partial<Trouble> = {}): Trouble {
  return { service: 'cart', harm, amount, from: 600, to: 1e6, grows: false, ...other };
}

test('what is asked arrives along the calls, and takes as long as its own time and that of its callees', () => {
  const { of } = live(smallShop());
  for (const service of ['web', 'cart', 'cart-db']) expect(of(service).rate / 50).toBeCloseTo(1, 0);
  const [web, cart, database] = [of('web'), of('cart'), of('cart-db')];
  // 6 ms of their own, a little waiting, and the network.
  expect(database.seconds).toBeGreaterThan(0.006);
  expect(cart.seconds - database.seconds).toBeGreaterThan(0.006);
  expect(web.seconds - cart.seconds).toBeGreaterThan(0.006);
  expect(web.seconds).toBeLessThan(0.03);
  expect(cart.cores).toBeCloseTo(50 * 0.004, 1);
});

test('a callee that takes 100 ms longer makes its callers take 100 ms longer', () => {
  const [before, after] = [
    live(smallShop()),
    live(smallShop(), { faults: [fault('slow', 0.1, { service: 'cart-db' })] }),
  ];
  for (const service of ['web', 'cart', 'cart-db']) {
    expect(after.of(service).seconds - before.of(service).seconds).toBeCloseTo(0.1, 1);
  }
  const perRequest = ({ of }: typeof before) => of('cart').cores / of('cart').rate;
  expect(perRequest(after) / perRequest(before)).toBeCloseTo(1, 1);
});

test('utilisation makes requests wait: half the cores, more than twice the time', () => {
  const seconds = (cores: number) => live(smallShop({ database: { cores } })).of('cart-db').seconds;
  const [idle, busy] = [seconds(0.8), seconds(0.25)];
  expect(busy / idle).toBeGreaterThan(3);
});

test('retries multiply the load of a callee that fails', () => {
  const attempts = (retries: number) => {
    const { of } = live(smallShop({ call: { retries } }), { faults: [fault('failing', 0.5)] });
    return of('cart').rate / of('web').rate;
  };
  expect(attempts(0)).toBeCloseTo(1, 1);
  expect(attempts(2)).toBeCloseTo(1.75, 1);
});

test('a share of the failures is left after retries, and comes out at the caller', () => {
  const failed = (retries: number) =>
    live(smallShop({ call: { retries } }), { faults: [fault('failing', 0.4)] }).of('web').failedShare;
  expect(failed(0)).toBeCloseTo(0.4, 1);
  expect(failed(1)).toBeCloseTo(0.16, 1);
});

test('the load of a replica that is gone moves to the others, which take longer', () => {
  const shop = smallShop({ cart: { replicas: 3, cores: 0.12 } });
  const [before, after] = [
    live(shop).of('cart'),
    live(shop, { faults: [fault('down', 1, { replicas: 1 })] }).of('cart'),
  ];
  expect(before.byPod.map((rate) => Math.round(rate / 5) * 5)).toEqual([15, 15, 15]);
  expect(after.rate / before.rate).toBeGreaterThan(0.8);
  expect(after.byPod[0]).toBeLessThan(8);
  expect(after.byPod[1]).toBeGreaterThan(20);
  expect(after.seconds).toBeGreaterThan(1.1 * before.seconds);
});

test('without a replica, connections are refused, and callers fail', () => {
  const { of } = live(smallShop(), { faults: [fault('down', 1)] });
  expect(of('cart').refused).toBeGreaterThan(20);
  expect(of('web').failedShare).toBeGreaterThan(0.4);
});

test('clients give up after their timeout, and wait no longer', () => {
  const { of } = live(smallShop({ call: { timeout: 0.25 } }), { faults: [fault('slow', 0.5)] });
  expect(of('cart').unanswered).toBeGreaterThan(25);
  expect(of('web').seconds).toBeGreaterThan(0.2);
  expect(of('web').seconds).toBeLessThan(0.27);
});

test('workers that wait for a slow callee are all taken: what is more waits in front of them', () => {
  const { of } = live(smallShop({ cart: { workers: 10 } }), { faults: [fault('slow', 0.3, { service: 'cart-db' })] });
  // 10 workers of 0.3 s each serve 33 requests a second of 50.
  expect(of('cart-db').rate).toBeLessThan(35);
  expect(of('cart').unanswered).toBeGreaterThan(10);
});

test('a process that takes the processor shows in its counter, and slows requests down', () => {
  const shop = smallShop({ cart: { cores: 0.5 } });
  const [before, after] = [live(shop).of('cart'), live(shop, { faults: [fault('hog', 0.5)] }).of('cart')];
  expect(after.cores - before.cores).toBeCloseTo(0.25, 1);
  expect(after.seconds).toBeGreaterThan(2 * before.seconds);
});

test('one bad replica of five has its own share of the requests alone', () => {
  const shop = smallShop({ cart: { replicas: 5 } });
  const [before, after] = [
    live(shop).of('cart'),
    live(shop, { faults: [fault('slow', 0.2, { replicas: 1 })] }).of('cart'),
  ];
  expect(after.seconds - before.seconds).toBeCloseTo(0.04, 2);
});

test('a delay on one edge is seen by that client, not by the server and its other clients', () => {
  const shop = smallShop();
  const services = [...shop.services.slice(0, 1), shopService('app', 'entry', { rate: 20, calls: [callTo('cart')] })];
  const topology: Topology = { ...shop, services: [...services, ...shop.services.slice(1)] };
  const edge = fault('delay', 0.1, { client: 'web' });
  const [before, after] = [live(topology), live(topology, { faults: [edge] })];
  const slower = (service: string) => after.of(service).seconds - before.of(service).seconds;
  expect(slower('web')).toBeCloseTo(0.1, 2);
  expect(slower('app')).toBeCloseTo(0, 2);
  expect(slower('cart')).toBeCloseTo(0, 2);
});

test('an expired cache sends its requests to the database until it has filled again', () => {
  const entries = 30_000;
  const cart = { calls: [callTo('cache', { needed: false }), callTo('cart-db', { behind: 'cache' })] };
  const shop = smallShop({ cart });
  const cache = shopService('cache', 'cache', { entries, cpu: lasting(0.0001, 0.5) });
  const topology = { ...shop, services: [...shop.services.slice(0, 2), cache, ...shop.services.slice(2)] };
  const rateAfter = (minutes: number) =>
    live(topology, { events: { expiries: [{ cache: 'cache', at: 1800 }] }, minutes }).of('cart-db', 3).rate;
  const [usual, expired, later] = [rateAfter(29), rateAfter(33), rateAfter(80)];
  expect(usual).toBeLessThan(12);
  expect(expired).toBeGreaterThan(30);
  expect(later).toBeLessThan(usual + 5);
});

test('a slow worker delays no producer: messages wait in the queue, which takes memory', () => {
  const shop = smallShop({ cart: { calls: [callTo('queue')] } });
  const queue = shopService('queue', 'queue');
  const worker = shopService('worker', 'worker', { workers: 2, calls: [callTo('queue'), callTo('cart-db')] });
  const services = [...shop.services.slice(0, 2), queue, worker, ...shop.services.slice(2)];
  const topology = { ...shop, services };
  const slow = fault('slow', 0.1, { service: 'worker' });
  const [before, after] = [live(topology), live(topology, { faults: [slow] })];
  const memory = ({ simulation }: typeof before) =>
    simulation.pods.series
      .find(({ name, labels }) => name.endsWith('memory_bytes') && labels['service'] === 'queue')!
      .values.at(-1)!;
  expect(after.of('cart').seconds / before.of('cart').seconds).toBeCloseTo(1, 1);
  expect(before.of('cart-db').rate / 50).toBeCloseTo(1, 1);
  expect(after.of('cart-db').rate).toBeLessThan(25);
  expect(memory(after)).toBeGreaterThan(1.2 * memory(before));
});

test('a leak ends with a kill, and memory begins again', () => {
  const { simulation } = live(smallShop(), { faults: [fault('leak', 4, { grows: true, to: 1800 })] });
  const { values } = simulation.pods.series.find(
    ({ name, labels }) => name.endsWith('memory_bytes') && labels['service'] === 'cart',
  )!;
  const killed = values.indexOf(0);
  expect(values[killed - 1]).toBeGreaterThan(2e8);
  expect(values.slice(killed).find((value) => value > 0)).toBeLessThan(1e8);
});

test('a deployment replaces the pods one after another, and nobody is refused', () => {
  const shop = smallShop({ cart: { replicas: 2 } });
  const { simulation, of } = live(shop, { events: { deploys: [{ service: 'cart', at: 900 }] } });
  const pods = new Set(
    simulation.pods.series.flatMap(({ labels }) => (labels['service'] === 'cart' ? labels['pod'] : [])),
  );
  expect(pods.size).toBe(4);
  expect(of('cart').refused).toBe(0);
});
