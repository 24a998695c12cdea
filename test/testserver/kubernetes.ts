import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startEtcd } from './kubernetes/etcd.ts';
import { type AuditEvent, parseAuditLog } from './kubernetes-audit.ts';
import { apiServerFlags, writeServerFiles } from './kubernetes/kube-apiserver.ts';
import { assetOf, kubernetesAssets } from './kubernetes-assets.ts';
import { kubernetesClient, type KubernetesClient } from './kubernetes-client.ts';
import { freePort } from '../../scripts/free-port.ts';
import { type RunningProgram, startProgram } from './prometheus.ts';

/** A namespaced object for etcd. */
export interface StoredObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly [other: string]: unknown;
  };
  readonly spec?: object;
  readonly [other: string]: unknown;
}

export interface RunningKubernetes {
  readonly url: string;
  /** The server's temporary directory, which is removed with it. */
  readonly folder: string;
  /** The certificate authority of the server and of its clients' certificates, in PEM. */
  readonly caFile: string;
  /** The path of a kubeconfig for an administrator with all permissions. */
  readonly kubeconfig: string;
  /** The administrator's client, without a process for each request. */
  readonly request: KubernetesClient['request'];
  /** Runs kubectl as the administrator and resolves with its output. @throws Error with its error message. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Runs helm as the administrator, with its own cache and settings. @throws Error with its error message. */
  helm(args: readonly string[], stdin?: string): Promise<string>;
  /** A token of a service account, valid for `seconds`, at least 600. Default: an hour. */
  token(namespace: string, serviceAccount: string, lifetime?: { readonly seconds?: number }): Promise<string>;
  /** The path of a kubeconfig with a token of the service account. */
  kubeconfigFor(namespace: string, serviceAccount: string): Promise<string>;
  /**
   * Every request since the start, one event each, including active watches. The server logs the end of a request
   * shortly after the client has seen it, so poll for expected events.
   */
  auditEvents(): Promise<readonly AuditEvent[]>;
  /**
   * Writes complete objects with their status to etcd, much faster than by the API. They are not validated, get no
   * defaults and no audit events; clients and watches see them like others.
   */
  seed(resource: string, objects: readonly StoredObject[]): Promise<void>;
  /** Compacts etcd: a watch that resumes from an older resource version after a restart gets 410 Gone. */
  compact(): Promise<void>;
  /** Kills the API server; etcd keeps the data. */
  crash(): Promise<void>;
  /** Starts the API server again after `crash`, at the same address and with the same data. */
  restart(): Promise<void>;
  /** Stops the processes and removes their data. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a real Kubernetes API server and its etcd on free ports of the loopback interface, with data and certificates
 * in a temporary directory, and resolves when it is ready. Authorization is RBAC, admission is as in a cluster.
 *
 * There are no nodes, no scheduler and no controllers: tests must set the status of pods, create the service account
 * `default` of a namespace, fill endpoint slices and delete owned objects by the API.
 *
 * @throws Error without assets, see `KUBERNETES` in test/skips.
 */
export async function startKubernetes(): Promise<RunningKubernetes> {
  const assets = kubernetesAssets();
  if (assets === undefined)
    throw new Error('no kube-apiserver: run `npm run test:long -- kubernetes`, which builds it');
  const folder = await mkdtemp(join(tmpdir(), `lorikeet-kubernetes-${process.pid}-`));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    return { ...(await startIn(folder, assets, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startIn(
  folder: string,
  assets: string,
  undo: (() => Promise<unknown>)[],
): Promise<Omit<RunningKubernetes, 'stop'>> {
  const etcd = await startEtcd(assetOf(assets, 'etcd'), folder);
  undo.push(() => etcd.kill());

  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const files = await writeServerFiles(folder);
  const client = kubernetesClient(url, { caFile: files.ca, certFile: files.admin.cert, keyFile: files.admin.key });
  undo.push(() => client.close());
  const launch = (): Promise<RunningProgram> =>
    startProgram(assetOf(assets, 'kube-apiserver'), apiServerFlags(files, port, etcd.url), () => client.isReady());
  let apiServer = await launch();
  undo.push(() => apiServer.kill());

  const kubeconfigOf = kubeconfigs(folder, url, files.ca);
  const admin = { 'client-certificate': files.admin.cert, 'client-key': files.admin.key };
  const kubeconfig = await kubeconfigOf('admin', admin);
  const run = commands(folder, assets, kubeconfig);
  const token = tokens(client);
  return {
    url,
    folder,
    caFile: files.ca,
    kubeconfig,
    request: client.request,
    kubectl: (args, stdin) => run('kubectl', args, stdin),
    helm: (args, stdin) => run('helm', args, stdin),
    token,
    kubeconfigFor: async (namespace, serviceAccount) =>
      kubeconfigOf(`${namespace}-${serviceAccount}`, { token: await token(namespace, serviceAccount) }),
    auditEvents: async () => parseAuditLog(await readFile(files.auditLog, 'utf8')),
    seed: (resource, objects) => {
      const key = ({ metadata: { namespace, name } }: StoredObject) => `/registry/${resource}/${namespace}/${name}`;
      return etcd.put(new Map(objects.map((object) => [key(object), JSON.stringify(object)])));
    },
    compact: () => etcd.compact(),
    crash: () => apiServer.kill(),
    restart: async () => {
      apiServer = await launch();
    },
  };
}

function tokens(client: KubernetesClient): RunningKubernetes['token'] {
  return async (namespace, serviceAccount, { seconds = 3600 } = {}) => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const { status } = await client.request<{ status: { token: string } }>('POST', path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: seconds },
    });
    return status.token;
  };
}

/**
 * Runs commands as the administrator, with another home directory than the user's, which may have settings and a cache.
 */
function commands(folder: string, assets: string, kubeconfig: string) {
  const helmFolders = {
    HELM_CACHE_HOME: join(folder, 'helm/cache'),
    HELM_CONFIG_HOME: join(folder, 'helm/config'),
    HELM_DATA_HOME: join(folder, 'helm/data'),
  };
  const env = { ...process.env, HOME: folder, KUBECONFIG: kubeconfig, ...helmFolders };
  return async (name: 'kubectl' | 'helm', args: readonly string[], stdin = ''): Promise<string> => {
    const running = promisify(execFile)(assetOf(assets, name), [...args], { env, maxBuffer: 2 ** 28 });
    running.child.stdin?.end(stdin);
    return (await running).stdout;
  };
}

/** Writes kubeconfigs for users of the server at `url`. JSON is YAML. */
function kubeconfigs(folder: string, url: string, ca: string) {
  return async (name: string, user: Readonly<Record<string, string>>): Promise<string> => {
    const path = join(folder, `${name}.kubeconfig`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': ca } }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: 'test', user: name } }],
      'current-context': name,
    };
    await writeFile(path, JSON.stringify(config), { mode: 0o600 });
    return path;
  };
}
