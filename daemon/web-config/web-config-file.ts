import { readFileSync } from 'node:fs';
import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer, type Server as TlsServer } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../config-file.ts';
import { fingerprint } from '../file-watch.ts';
import { sendText, type WebHandler } from '../http-server/answer.ts';
import { ConditionLog, describeError, type Logger } from '../logger.ts';
import { readWebConfig, type ClientAuthType, type TlsServerConfig, type WebConfig } from './format.ts';
import { TLS_VERSIONS } from './ciphers.ts';
import { Passwords } from './passwords.ts';

/** A configuration with what its files held when it was read. */
interface Loaded {
  readonly config: WebConfig;
  readonly secureContext: SecureContextOptions | undefined;
}

/**
 * The file of `--web.config.file`: TLS, headers and basic auth of a program's web servers. The file and the
 * certificates are looked at when a connection or a request begins, as exporter-toolkit does, so a change counts from
 * the next one on. A broken file keeps the last good state and is logged. TLS can't be turned on or off without a
 * restart.
 */
export class WebConfigFile {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #conditions: ConditionLog;
  readonly #passwords = new Passwords();
  #loaded: Loaded;
  #seen: string;
  #broken = false;
  /** Those that listen. */
  readonly #servers = new Set<TlsServer>();

  /** @throws ConfigError when the file, or one that it names, is wrong at the start. */
  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger.with({ file: path });
    this.#conditions = new ConditionLog(this.#logger);
    this.#loaded = load(path);
    this.#seen = this.#fingerprint();
  }

  get tls(): boolean {
    return this.#loaded.config.tls !== undefined;
  }

  /** The steps before every route: headers, then the password. */
  readonly before: WebHandler = async (request, response, next) => {
    this.refresh();
    const { headers, users } = this.#loaded.config;
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (users.size === 0) return next();
    const credentials = parseBasic(request.headers.authorization);
    const verdict =
      credentials === undefined
        ? 'REFUSED'
        : await this.#passwords.check(users, credentials.user, credentials.password);
    if (verdict === 'ACCEPTED') return next();
    if (verdict === 'BUSY') {
      response.setHeader('Retry-After', '5');
      return sendText(response, 503, 'Too many passwords are being checked, try again later.');
    }
    response.setHeader('WWW-Authenticate', 'Basic');
    return sendText(response, 401, 'Unauthorized.');
  };

  /** For `listen`: a server with TLS; undefined for one without. */
  get createServer(): ((options: ServerOptions, handler: RequestListener) => Server) | undefined {
    const { config, secureContext } = this.#loaded;
    if (config.tls === undefined || secureContext === undefined) return undefined;
    const policy = clientPolicy(config.tls.client_auth_type);
    return (options, handler) => {
      const server = createServer(
        { ...options, ...secureContext, ...policy, handshakeTimeout: options.headersTimeout ?? 10_000 },
        handler,
      );
      this.#servers.add(server);
      server.once('close', () => this.#servers.delete(server));
      server.prependListener('connection', () => this.refresh());
      server.prependListener('secureConnection', (socket: TLSSocket) => {
        const type = this.#loaded.config.tls?.client_auth_type ?? 'NoClientCert';
        if (!clientAllowed(type, socket)) socket.destroy();
      });
      return server;
    };
  }

  /** Reads the files anew if one has changed. */
  refresh(): void {
    const now = this.#fingerprint();
    // A broken file may name others, which nobody watches: whether it is good again shows by reading it only.
    if (now === this.#seen && !this.#broken) return;
    this.#seen = now;
    try {
      const loaded = load(this.#path);
      if ((loaded.config.tls === undefined) === this.tls) {
        throw new ConfigError(`${this.#path}: tls_server_config: turning TLS on or off needs a restart`);
      }
      this.#apply(loaded);
      this.#broken = false;
      this.#seen = this.#fingerprint();
      this.#conditions.recovered('reload', 'web configuration is good again');
      this.#logger.info('web configuration loaded');
    } catch (error) {
      this.#broken = true;
      this.#conditions.failing('reload', 'web configuration not reloaded, keeping the last good one', error);
    }
  }

  #apply(loaded: Loaded): void {
    const { tls } = loaded.config;
    if (tls !== undefined && loaded.secureContext !== undefined) {
      for (const server of this.#servers) {
        server.setSecureContext(loaded.secureContext);
        // Node reads both at each new connection.
        Object.assign(server, clientPolicy(tls.client_auth_type));
      }
    }
    this.#loaded = loaded;
  }

  #fingerprint(): string {
    const { tls } = this.#loaded.config;
    const files = [this.#path, tls?.cert_file, tls?.key_file, tls?.client_ca_file];
    return files.map((file) => (file === undefined ? '' : fingerprint(file))).join('\n');
  }
}

/** For `--config.check`. @throws ConfigError when the file, or one that it names, is wrong. */
export function checkWebConfig(path: string): { readonly path: string; readonly summary: string } {
  return { path, summary: load(path).config.tls === undefined ? 'without TLS' : 'with TLS' };
}

/** @throws ConfigError */
function load(path: string): Loaded {
  const config = readWebConfig(path);
  if (config.tls === undefined) return { config, secureContext: undefined };
  const secureContext = secureContextOf(path, config.tls);
  try {
    createSecureContext(secureContext);
  } catch (error) {
    throw new ConfigError(`${path}: tls_server_config: certificate and key can't be used: ${describeError(error)}`);
  }
  return { config, secureContext };
}

function secureContextOf(path: string, tls: TlsServerConfig): SecureContextOptions {
  const read = (key: 'cert_file' | 'key_file' | 'client_ca_file') => {
    const file = tls[key];
    if (file === undefined) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      throw new ConfigError(`${path}: tls_server_config.${key}: not readable`, { cause: error });
    }
  };
  const ca = read('client_ca_file');
  return {
    cert: read('cert_file'),
    key: read('key_file'),
    ...(ca !== undefined && { ca }),
    minVersion: TLS_VERSIONS[tls.min_version],
    maxVersion: TLS_VERSIONS[tls.max_version],
    ...(tls.cipher_suites.length > 0 && { ciphers: tls.cipher_suites.join(':') }),
    ...(tls.curve_preferences.length > 0 && { ecdhCurve: tls.curve_preferences.join(':') }),
    honorCipherOrder: tls.prefer_server_cipher_suites,
  };
}

function clientPolicy(type: ClientAuthType) {
  return { requestCert: type !== 'NoClientCert', rejectUnauthorized: type === 'RequireAndVerifyClientCert' };
}

/** What Node's two switches can't say. */
function clientAllowed(type: ClientAuthType, socket: TLSSocket): boolean {
  const given = () => Object.keys(socket.getPeerCertificate()).length > 0;
  switch (type) {
    case 'NoClientCert':
    case 'RequestClientCert':
      return true;
    case 'RequireAnyClientCert':
      return given();
    case 'VerifyClientCertIfGiven':
      return socket.authorized || !given();
    case 'RequireAndVerifyClientCert':
      return socket.authorized;
  }
}

/** User and password of an Authorization header (RFC 7617). */
function parseBasic(header: string | undefined): { readonly user: string; readonly password: string } | undefined {
  const match = /^basic +([A-Za-z0-9+/_-]+=*)$/i.exec(header ?? '');
  if (match?.[1] === undefined) return undefined;
  const text = Buffer.from(match[1], 'base64').toString();
  const colon = text.indexOf(':');
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
