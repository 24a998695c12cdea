import type { SecureVersion } from 'node:tls';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { isOlder, TLS_VERSIONS } from '../tls/versions.ts';
import { type ChooseProxy, proxyChooser } from './proxy.ts';
import type { HttpClientSettings } from './settings.ts';
import { readSettingsFile } from './settings/files.ts';
import type { TlsSettings } from './settings/tls.ts';
import { userInfoAuthorization } from './url.ts';

/**
 * Keeps the connection of a program that sends a request each minute. Prometheus closes idle ones after five minutes.
 */
const KEEP_ALIVE_MS = 90_000;

interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The connections to servers and proxies, replaced when a file of `tls_config` changes. */
export class Connections {
  readonly #settings: HttpClientSettings;
  readonly #proxyFor: ChooseProxy;
  #open = { material: '', byRoute: new Map<string, Dispatcher>() };

  constructor(settings: HttpClientSettings) {
    this.#settings = settings;
    this.#proxyFor = proxyChooser(settings);
  }

  /** The connections for requests to `url`. @throws Error if a file cannot be read, or for an invalid proxy */
  async to(url: URL): Promise<Dispatcher> {
    const material = await readTlsMaterial(this.#settings.tls_config);
    const key = JSON.stringify(material);
    if (this.#open.material !== key) {
      // The old connections close after their pending requests.
      for (const one of this.#open.byRoute.values()) void one.close().catch(() => undefined);
      this.#open = { material: key, byRoute: new Map() };
    }
    const proxy = this.#proxyFor(url);
    const route = proxy === undefined ? 'direct' : `${url.protocol} ${proxy.href}`;
    const known = this.#open.byRoute.get(route);
    if (known !== undefined) return known;
    const dispatcher = createDispatcher(this.#settings, material, proxy, url.protocol);
    this.#open.byRoute.set(route, dispatcher);
    return dispatcher;
  }

  async destroy(): Promise<void> {
    await Promise.all([...this.#open.byRoute.values()].map((one) => one.destroy()));
  }
}

function createDispatcher(
  settings: HttpClientSettings,
  material: TlsMaterial,
  proxy: URL | undefined,
  protocol: string,
): Dispatcher {
  const { tls_config: config, proxy_connect_header: connectHeader = {} } = settings;
  const tls = { ...material, ...tlsOptions(config) };
  const target = { ...tls, ...(config?.server_name !== undefined && { servername: config.server_name }) };
  const pool = { keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS };
  if (proxy === undefined) return new Agent({ ...pool, connect: target });
  const { username, password } = proxy;
  const token = username === '' && password === '' ? undefined : userInfoAuthorization(username, password);
  const uri = new URL(proxy);
  uri.username = '';
  uri.password = '';
  // undici sends these with requests for http too, which are no CONNECT requests.
  const headers = protocol === 'https:' || proxy.protocol === 'https:' ? connectHeader : {};
  return new ProxyAgent({
    ...pool,
    uri: uri.href,
    // Like Go's client: http requests go to the proxy directly, https through a tunnel.
    proxyTunnel: false,
    proxyTls: tls,
    requestTls: target,
    headers: headers as unknown as Record<string, string>,
    ...(token !== undefined && { token }),
  });
}

function tlsOptions(config: TlsSettings | undefined) {
  const { insecure_skip_verify: insecure = false, min_version: oldest, max_version: newest } = config ?? {};
  const version = (name: keyof typeof TLS_VERSIONS): SecureVersion => TLS_VERSIONS[name];
  return {
    rejectUnauthorized: !insecure,
    ...(oldest !== undefined && { minVersion: version(oldest) }),
    ...(newest !== undefined && { maxVersion: version(newest) }),
    // OpenSSL 3 refuses the signatures of TLS 1.0 and 1.1 at its default security level.
    ...(oldest !== undefined && isOlder(oldest, 'TLS12') && { ciphers: 'DEFAULT@SECLEVEL=0' }),
  };
}

async function readTlsMaterial(config: TlsSettings | undefined): Promise<TlsMaterial> {
  const read = async (key: 'ca' | 'cert' | 'key') => {
    const file = config?.[`${key}_file`];
    const text = file === undefined ? config?.[key] : await readSettingsFile(file);
    return text === undefined ? {} : { [key]: text };
  };
  return Object.assign({}, ...(await Promise.all([read('ca'), read('cert'), read('key')])));
}
