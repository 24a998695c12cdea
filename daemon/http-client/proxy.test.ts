import { expect, test } from 'vitest';
import { httpClientSchema } from './settings.ts';
import { noProxyRule, proxyChooser } from './proxy.ts';

// Cases of the documentation and tests of Go's golang.org/x/net/http/httpproxy.
test.each([
  ['http://prometheus.example', '', false],
  ['http://localhost:9090', '', true],
  ['http://127.3.2.1', '', true],
  ['http://[::1]:9090', '', true],
  ['http://prometheus.example', '*', true],
  ['http://prometheus.example', 'prometheus.example', true],
  ['http://PROMETHEUS.example', 'Prometheus.Example', true],
  ['http://a.prometheus.example', 'prometheus.example', true],
  ['http://notprometheus.example', 'prometheus.example', false],
  ['http://prometheus.example', '.prometheus.example', false],
  ['http://a.prometheus.example', '.prometheus.example', true],
  ['http://a.prometheus.example', '*.prometheus.example', true],
  ['http://prometheus.example', '*.prometheus.example', false],
  ['http://prometheus.example:9090', 'other, prometheus.example:9090 ', true],
  ['http://prometheus.example:9091', 'prometheus.example:9090', false],
  ['https://prometheus.example', 'prometheus.example:443', true],
  ['http://prometheus.example', 'prometheus.example:80', true],
  ['http://10.1.2.3', '10.1.2.3', true],
  ['http://10.1.2.33', '10.1.2.3', false],
  ['http://10.1.2.3:9090', '10.1.2.3:9090', true],
  ['http://10.1.2.3:9091', '10.1.2.3:9090', false],
  ['http://10.1.2.3', '10.1.0.0/16', true],
  ['http://10.2.2.3', '10.1.0.0/16', false],
  ['http://[fd00::5]:9090', 'fd00::/8', true],
  ['http://[fd00::5]', 'fd00::5', true],
  ['http://[fd00::5]:9090', '[fd00::5]:9090', true],
  ['http://[fd00::5]:9091', '[fd00::5]:9090', false],
  ['http://prometheus.example', ',, ,', false],
  ['http://prometheus.example', '10.1.0.0/99', false],
])('%s with no_proxy "%s": excepted %s', (url, exceptions, expected) => {
  expect(noProxyRule(exceptions)(new URL(url))).toBe(expected);
});

const choose = (settings: object, url: string, environment: Record<string, string> = {}) =>
  proxyChooser(httpClientSchema.parse(settings), environment)(new URL(url))?.href;

test('proxy_url is used for everything but no_proxy', () => {
  const proxy_url = 'http://proxy:3128/';
  expect(choose({ proxy_url }, 'http://prometheus.example')).toBe(proxy_url);
  expect(choose({ proxy_url }, 'https://127.0.0.1:9090')).toBe(proxy_url);
  expect(choose({ proxy_url, no_proxy: 'x.example' }, 'http://127.0.0.1:9090')).toBeUndefined();
  expect(choose({ proxy_url, no_proxy: 'x.example' }, 'http://x.example')).toBeUndefined();
  expect(choose({ proxy_url, no_proxy: 'x.example' }, 'http://y.example')).toBe(proxy_url);
});

test('the environment counts only if proxy_from_environment is set', () => {
  const environment = { HTTP_PROXY: 'plain:3128', https_proxy: 'https://secure:3128', NO_PROXY: 'x.example' };
  const settings = { proxy_from_environment: true };
  expect(choose({}, 'http://y.example', environment)).toBeUndefined();
  expect(choose(settings, 'http://y.example', environment)).toBe('http://plain:3128/');
  expect(choose(settings, 'https://y.example', environment)).toBe('https://secure:3128/');
  expect(choose(settings, 'http://x.example', environment)).toBeUndefined();
  expect(choose(settings, 'http://localhost', environment)).toBeUndefined();
  expect(choose(settings, 'http://y.example', {})).toBeUndefined();
  expect(() => choose(settings, 'http://y.example', { HTTP_PROXY: 'socks5://me:hunter2@plain' })).toThrow(
    /^HTTP_PROXY: expected an http\(s\) URL$/,
  );
});
