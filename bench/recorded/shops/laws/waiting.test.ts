import { expect, test } from 'vitest';
import { lasting } from './duration.ts';
import { backlogAfter, steadyWaiting, utilisation } from './waiting.ts';

test.each([0.2, 0.5, 0.8, 0.9])('one server at %d: what Pollaczek and Khinchine have', (busy) => {
  const service = lasting(0.01, 0.5);
  const rate = busy / service.mean;
  const exact = (rate * (service.variance + service.mean ** 2)) / (2 * (1 - busy));
  expect(utilisation({ rate, service, servers: 1 })).toBeCloseTo(busy);
  expect(steadyWaiting({ rate, service, servers: 1 }).mean).toBeCloseTo(exact, 10);
});

/** Waiting of M/M/c by Erlang's formula. */
function erlang(offered: number, servers: number, seconds: number): number {
  let [term, sum] = [1, 0];
  for (let busy = 0; busy < servers; busy++) {
    sum += term;
    term *= offered / (busy + 1);
  }
  const waits = term / (1 - offered / servers);
  return ((waits / (sum + waits)) * seconds) / (servers - offered);
}

test.each([
  [2, 0.7],
  [8, 0.8],
  [8, 0.95],
])('%d servers at %d: within a few per cent of Erlang', (servers, busy) => {
  const service = lasting(0.01, 1);
  const wait = steadyWaiting({ rate: (busy * servers) / service.mean, service, servers }).mean;
  expect(wait / erlang(busy * servers, servers, service.mean)).toBeCloseTo(1, 0);
});

test('waiting grows faster than the load, and more servers wait less', () => {
  const at = (busy: number, servers = 1) =>
    steadyWaiting({ rate: (busy * servers) / 0.01, service: lasting(0.01, 1), servers }).mean;
  expect(at(0.8) / at(0.4)).toBeGreaterThan(4);
  expect(at(0.8, 4)).toBeLessThan(at(0.8));
  expect(at(0)).toBe(0);
});

test('what is more than the capacity piles up, drains later, and no more waits than clients have patience for', () => {
  const over = backlogAfter(0, { rate: 120, capacity: 100, patience: 10, seconds: 30 });
  expect(over).toEqual({ waiting: 600, seconds: 3 });
  expect(backlogAfter(600, { rate: 80, capacity: 100, patience: 10, seconds: 20 }).waiting).toBe(200);
  expect(backlogAfter(600, { rate: 80, capacity: 100, patience: 10, seconds: 60 }).waiting).toBe(0);
  expect(backlogAfter(900, { rate: 300, capacity: 100, patience: 10, seconds: 30 }).waiting).toBe(1000);
});
