import { readFile } from 'node:fs/promises';
import { Agent, type RequestOptions } from 'node:https';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { ConfigError } from '../../../../daemon/config-file.ts';

/** Credentials of one request. */
export interface RequestCredentials {
  readonly agent?: Exclude<RequestOptions['agent'], undefined>;
  readonly headers: Readonly<Record<string, string>>;
  /** `user:password`. */
  readonly auth?: string;
}

/** Address of an API server, and the credentials for it. */
export interface Credentials {
  /** Such as `https://10.96.0.1:443`. */
  readonly server: string;
  /** For the next request. Reads rotated credentials again. */
  forRequest(): Promise<RequestCredentials>;
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * The service account of the exporter's own pod, from the files and environment variables of every pod. The kubelet
 * replaces the token before it expires, and the CA certificate when it changes: both are read for each request.
 *
 * @throws ConfigError outside of a pod.
 */
export function inCluster(environment: NodeJS.ProcessEnv, folder = ACCOUNT_FOLDER): Credentials {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443' } = environment;
  if (host === '') {
    throw new ConfigError('--kubernetes.in-cluster: not in a pod: KUBERNETES_SERVICE_HOST is not set');
  }
  let known: { readonly ca: string; readonly agent: Agent } | undefined;
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    async forRequest() {
      const [token, ca] = await Promise.all([
        readFile(join(folder, 'token'), 'utf8'),
        readFile(join(folder, 'ca.crt'), 'utf8'),
      ]);
      if (known?.ca !== ca) {
        known?.agent.destroy();
        known = { ca, agent: new Agent({ ca, keepAlive: true }) };
      }
      return { agent: known.agent, headers: { authorization: `Bearer ${token.trim()}` } };
    },
  };
}
