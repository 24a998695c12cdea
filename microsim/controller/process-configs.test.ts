import { expect, it } from 'vitest';
import { tracesUrl } from './process-configs.ts';

it.each([
  ['http://127.0.0.1:4318', 'http://127.0.0.1:4318/v1/traces'],
  ['http://127.0.0.1:4318/', 'http://127.0.0.1:4318/v1/traces'],
  ['https://collector.example/otlp', 'https://collector.example/otlp/v1/traces'],
  ['http://127.0.0.1:4318/v1/traces', 'http://127.0.0.1:4318/v1/traces'],
])('%s becomes %s', (endpoint, url) => {
  expect(tracesUrl(endpoint)).toBe(url);
});
