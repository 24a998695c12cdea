import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_SERVER, API_SERVICE_ADDRESS, CLUSTER_DOMAIN, CONTROL_PLANE_ADDRESS } from './addresses.ts';

export interface KeyPair {
  /** Paths of files in PEM. */
  readonly cert: string;
  readonly key: string;
}

/** A user of the API server: the common name, and the group if there is one. */
export interface Subject {
  readonly name: string;
  readonly group?: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
const DAYS = '2';
/** Names by which clients reach the API server. */
const SERVER_NAMES = [
  `IP:${CONTROL_PLANE_ADDRESS}`,
  `IP:${API_SERVICE_ADDRESS}`,
  ...['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', `kubernetes.default.svc.${CLUSTER_DOMAIN}`].map(
    (name) => `DNS:${name}`,
  ),
];

/** The certificates of a cluster, made by openssl in a folder. */
export class Certificates {
  readonly #folder: string;
  readonly authority: KeyPair;
  /** Signs the tokens of service accounts. */
  readonly tokenKey: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { mode: 0o700 });
    this.authority = this.#files('ca');
    this.tokenKey = join(folder, 'tokens.key');
    const { cert, key } = this.authority;
    openssl('req', '-x509', ...NEW_KEY, '-keyout', key, '-out', cert, '-days', DAYS, '-subj', '/CN=cluster');
    openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', this.tokenKey);
  }

  /** A certificate of a client, and of the API server, whose names all have. */
  sign(file: string, { name, group }: Subject): KeyPair {
    const { cert, key } = this.#files(file);
    const [request, extensions] = [join(this.#folder, `${file}.csr`), join(this.#folder, `${file}.ext`)];
    writeFileSync(extensions, `subjectAltName=${SERVER_NAMES.join(',')}\nextendedKeyUsage=serverAuth,clientAuth\n`);
    const subject = `${group === undefined ? '' : `/O=${group}`}/CN=${name}`;
    openssl('req', '-new', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', subject);
    const signer = ['-CA', this.authority.cert, '-CAkey', this.authority.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...signer, '-days', DAYS, '-extfile', extensions, '-out', cert);
    return { cert, key };
  }

  /** Writes a kubeconfig of a user and returns its path. JSON is YAML. */
  kubeconfig(file: string, subject: Subject): string {
    const { cert, key } = this.sign(file, subject);
    const path = join(this.#folder, `${file}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: API_SERVER, 'certificate-authority': this.authority.cert } }],
      users: [{ name: 'u', user: { 'client-certificate': cert, 'client-key': key } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  }

  #files(file: string): KeyPair {
    return { cert: join(this.#folder, `${file}.crt`), key: join(this.#folder, `${file}.key`) };
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
