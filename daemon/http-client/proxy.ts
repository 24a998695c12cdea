import { BlockList, isIP } from 'node:net';
import type { ProxySettings } from './settings/proxy.ts';

/** The proxy for a URL, by the rules of Go's httpproxy package, which Prometheus uses; undefined: none. */
export type ChooseProxy = (url: URL) => URL | undefined;

/** @param environment HTTP_PROXY, HTTPS_PROXY and NO_PROXY, in either case */
export function proxyChooser(settings: ProxySettings, environment: NodeJS.ProcessEnv = process.env): ChooseProxy {
  const { proxy_url: proxyUrl, no_proxy: exceptions, proxy_from_environment: fromEnvironment } = settings;
  if (proxyUrl !== undefined) {
    const proxy = new URL(proxyUrl);
    // Without exceptions Prometheus sends everything to the proxy, loopback addresses too.
    const excepted = exceptions === undefined ? () => false : noProxyRule(exceptions);
    return (url) => (excepted(url) ? undefined : proxy);
  }
  if (!fromEnvironment) return () => undefined;
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const excepted = noProxyRule(read('NO_PROXY') ?? '');
  const proxies = { 'http:': read('HTTP_PROXY'), 'https:': read('HTTPS_PROXY') };
  return (url) => {
    const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const proxy = proxies[url.protocol as keyof typeof proxies];
    return proxy === undefined || excepted(url) ? undefined : parseProxy(name, proxy);
  };
}

function parseProxy(name: string, text: string): URL {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) throw new Error(`${name}: expected an http(s) URL`);
  return new URL(url);
}

type Rule = (host: string, port: string) => boolean;

/**
 * True for URLs that `exceptions`, separated by commas, excludes from proxying: a domain with its subdomains, with a
 * leading dot these only; an address, a network in CIDR notation; a port after any of the former but networks; `*` is
 * everything. Loopback addresses and localhost are always excluded.
 */
export function noProxyRule(exceptions: string): (url: URL) => boolean {
  const rules = exceptions
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '')
    .map(parseRule);
  return (url) => {
    const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
    const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
    return isLoopback(host) || rules.some((rule) => rule(host, port));
  };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function parseRule(item: string): Rule {
  if (item === '*') return () => true;
  const network = parseNetwork(item);
  if (network !== undefined) return (host) => isIP(host) !== 0 && network.check(host, family(host));
  const [, name = '', port] = /^(\[[^\]]*\]|[^:]*|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f.]*)(?::(\d+))?$/.exec(item) ?? [];
  const bare = name.replace(/^\[|\]$/g, '');
  const samePort = (actual: string) => port === undefined || port === actual;
  if (bare === '') return () => false;
  if (isIP(bare) !== 0) {
    const address = new BlockList();
    address.addAddress(bare, family(bare));
    return (host, actual) => isIP(host) !== 0 && address.check(host, family(host)) && samePort(actual);
  }
  const domain = bare.startsWith('*.') ? bare.slice(1) : bare;
  const suffix = domain.startsWith('.') ? domain : `.${domain}`;
  return (host, actual) => (host.endsWith(suffix) || host === domain) && samePort(actual);
}

function parseNetwork(item: string): BlockList | undefined {
  const [, address = '', bits] = /^([^/]+)\/(\d{1,3})$/.exec(item) ?? [];
  if (bits === undefined || isIP(address) === 0 || Number(bits) > (isIP(address) === 4 ? 32 : 128)) return undefined;
  const network = new BlockList();
  network.addSubnet(address, Number(bits), family(address));
  return network;
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 4 ? 'ipv4' : 'ipv6';
}
