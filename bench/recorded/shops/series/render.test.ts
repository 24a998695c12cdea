import { expect, test } from 'vitest';
import { render } from './render.ts';
import { Store } from './store.ts';

test('series that come and go have the times of their scrapes', () => {
  const store = new Store();
  let count = 0;
  store.add('a_total', { pod: 'one' }, () => count);
  store.scrape();
  const end = store.add('a_total', { pod: 'two' }, () => 10 * count);
  count = 3;
  store.scrape();
  end();
  store.scrape();
  expect([...render(store.series, { fromMs: 60_000, intervalMs: 30_000 })].join('')).toBe(
    'a_total{pod="one"} 0 60\na_total{pod="one"} 3 90\na_total{pod="one"} 3 120\na_total{pod="two"} 30 90\n',
  );
});

test('buckets that no request is in are left out, but the one below and the one above', () => {
  const store = new Store();
  const counts = { '0.001': 0, '0.002': 0, '0.004': 4, '0.008': 9, '0.016': 9, '+Inf': 9 };
  for (const [le, value] of Object.entries(counts)) {
    store.add('lorikeet_request_duration_seconds_bucket', { le }, () => value);
  }
  store.scrape();
  const text = [...render(store.series, { fromMs: 0, intervalMs: 30_000 })].join('');
  expect([...text.matchAll(/le="([^"]*)"/g)].map(([, le]) => le)).toEqual(['0.002', '0.004', '0.008', '+Inf']);
});
