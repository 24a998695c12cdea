import type { RequestListener, Server, ServerOptions } from 'node:http';
import { createServer, type Server as TlsServer } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { ConfigError } from '../config-file.ts';
import { beingWritten, fingerprint } from '../file-watch.ts';
import { readFileBounded } from '../files/read-file.ts';
import { sendText, type WebHandler } from '../http-server/answer.ts';
import { sourceOf } from '../http-server/source.ts';
import { ConditionLog, describeError, type Logger } from '../logger.ts';
import { refusals } from '../refusals/refusals.ts';
import { renderFile } from '../secrets/redact.ts';
import { TLS_VERSIONS } from '../tls/versions.ts';
import { clientNames } from './client-names.ts';
import { readWebConfig, type WebConfig } from './format.ts';
import { Passwords } from './passwords.ts';
import { RateLimiter } from './rate-limit.ts';
import type { ClientAuthType, TlsServerConfig } from './tls-format.ts';

/** A configuration with the contents of its files at that time. */
interface Loaded {
  readonly config: WebConfig;
  readonly secureContext: SecureContextOptions | undefined;
}

/**
 * The file of `--web.config.file`: TLS, headers, basic auth and rate limit of a program's web servers. Checks the file
 * and the certificates at each connection and request, like exporter-toolkit, so a change takes effect from the next one.
 * A file that is written in place counts as changed a second after the last write: half of it may be valid, but without
 * the users. If the file is invalid, logs that and keeps the last valid state. Enabling or disabling TLS requires a
 * restart.
 */
export class WebConfigFile {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #conditions: ConditionLog;
  readonly #passwords = new Passwords();
  readonly #rateLimiter = new RateLimiter();
  #loaded: Loaded;
  #seen: string;
  #broken = false;
  /** Those that listen. */
  readonly #servers = new Set<TlsServer>();

  /** @throws ConfigError if the file, or one that it names, is invalid at the start. */
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

  /** The handlers before every route: rate limit, headers, then the password. */
  readonly before: WebHandler = async (request, response, next) => {
    this.refresh();
    const { headers, users, rateLimit } = this.#loaded.config;
    const { socket } = request;
    const source = sourceOf(socket.remoteAddress);
    const waitMs = rateLimit === undefined ? 0 : this.#rateLimiter.take(rateLimit, `${socket.localPort} ${source}`);
    if (waitMs > 0) {
      refusals.add('rate_limit');
      response.setHeader('Retry-After', Math.ceil(waitMs / 1000));
      return sendText(response, 429, 'Too Many Requests');
    }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (users.size === 0) return next();
    const credentials = parseBasic(request.headers.authorization);
    const verdict =
      credentials === undefined
        ? 'REFUSED'
        : await this.#passwords.check(users, credentials.user, credentials.password, {
            source,
            hasLeft: () => socket.destroyed,
          });
    if (verdict === 'ACCEPTED') return next();
    if (verdict === 'BUSY') {
      refusals.add('passwords');
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
        const { tls } = this.#loaded.config;
        if (tls !== undefined && !clientAllowed(tls, socket)) socket.destroy();
      });
      return server;
    };
  }

  /** Reloads the files if one has changed. */
  refresh(): void {
    const now = this.#fingerprint();
    // An invalid file may name files that are not checked for changes, so reload it every time.
    if (now === this.#seen && !this.#broken) return;
    if (now !== this.#seen && this.#files().some((file) => beingWritten(file))) return;
    this.#seen = now;
    try {
      const loaded = load(this.#path);
      if ((loaded.config.tls === undefined) === this.tls) {
        throw new ConfigError(`${this.#path}: tls_server_config: enabling or disabling TLS requires a restart`);
      }
      this.#apply(loaded);
      this.#broken = false;
      this.#seen = this.#fingerprint();
      this.#conditions.recovered('reload', 'web configuration is valid again');
      this.#logger.info('web configuration loaded');
    } catch (error) {
      this.#broken = true;
      this.#conditions.failing('reload', 'web configuration rejected, using the last valid one', error);
    }
  }

  #apply(loaded: Loaded): void {
    const { tls } = loaded.config;
    if (tls !== undefined && loaded.secureContext !== undefined) {
      for (const server of this.#servers) {
        server.setSecureContext(loaded.secureContext);
        // Node.js reads both at each new connection.
        Object.assign(server, clientPolicy(tls.client_auth_type));
      }
    }
    this.#loaded = loaded;
  }

  #files(): string[] {
    const { tls } = this.#loaded.config;
    const files = [this.#path, tls?.cert_file, tls?.key_file, tls?.client_ca_file];
    return files.filter((file) => file !== undefined);
  }

  #fingerprint(): string {
    return this.#files()
      .map((file) => `${file} ${fingerprint(file)}`)
      .join('\n');
  }
}

/** For `--config.check`. @throws ConfigError if the file, or one that it names, is invalid. */
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
    throw new ConfigError(`${path}: tls_server_config: cannot use certificate and key: ${describeError(error)}`);
  }
  return { config, secureContext };
}

const MAX_PEM_BYTES = 16 * 2 ** 20;

function secureContextOf(path: string, tls: TlsServerConfig): SecureContextOptions {
  const read = (key: 'cert' | 'key' | 'client_ca') => {
    const file = tls[`${key}_file`];
    if (file === undefined) return tls[key];
    try {
      return readFileBounded(file, MAX_PEM_BYTES);
    } catch (error) {
      throw new ConfigError(`${renderFile(path)}: tls_server_config.${key}_file: not readable`, { cause: error });
    }
  };
  const ca = read('client_ca');
  return {
    cert: read('cert'),
    key: read('key'),
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

/** Checks the client's certificate: the two options of Node.js cannot express all types. */
function clientAllowed(tls: TlsServerConfig, socket: TLSSocket): boolean {
  const names = tls.client_allowed_sans;
  if (
    names !== undefined &&
    !clientNames(socket.getPeerCertificate().subjectaltname).some((one) => names.includes(one))
  ) {
    return false;
  }
  const given = () => Object.keys(socket.getPeerCertificate()).length > 0;
  switch (tls.client_auth_type) {
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
