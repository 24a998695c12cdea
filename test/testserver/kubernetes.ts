import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makeAuthority } from '../daemon/certificates.ts';
import { type AuditEvent, auditPolicy, parseAuditLog } from './kubernetes-audit.ts';
import { assetOf, kubernetesAssets } from './kubernetes-assets.ts';
import { kubernetesClient, type KubernetesClient } from './kubernetes-client.ts';
import { freePort, type RunningProgram, startProgram } from './prometheus.ts';

export interface RunningKubernetes {
  readonly url: string;
  /** The server's own temporary folder; what a test writes there is removed with it. */
  readonly folder: string;
  /** The certificate authority of the server and of its clients' certificates, in PEM. */
  readonly caFile: string;
  /** The path of a kubeconfig for an administrator, whom no authorization refuses anything. */
  readonly kubeconfig: string;
  /** A request of the administrator's, without a process for each. */
  readonly request: KubernetesClient['request'];
  /** Runs kubectl as the administrator and resolves with what it prints. @throws Error with what it complains of. */
  kubectl(args: readonly string[], stdin?: string): Promise<string>;
  /** Runs helm as the administrator, with cache and settings of its own. @throws Error with what it complains of. */
  helm(args: readonly string[], stdin?: string): Promise<string>;
  /** A token of a service account, valid for `seconds`: 600 is the least that the server grants. Default: an hour. */
  token(namespace: string, serviceAccount: string, lifetime?: { readonly seconds?: number }): Promise<string>;
  /** The path of a kubeconfig with a token of the service account. */
  kubeconfigFor(namespace: string, serviceAccount: string): Promise<string>;
  /**
   * Every request since the start, one event each, watches that go on included.
   * The server tells of a request's end just after the client has seen it: wait for what you expect.
   */
  auditEvents(): Promise<readonly AuditEvent[]>;
  /** Has etcd forget the past: a watch that resumes from an older resource version after a restart gets 410 Gone. */
  compact(): Promise<void>;
  /** Ends the API server as a crash would; etcd keeps the data. */
  crash(): Promise<void>;
  /** Starts the API server again after `crash`, at the same address and with the same data. */
  restart(): Promise<void>;
  /** Ends the processes by their ids and removes their data. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a real Kubernetes API server and its etcd on free ports of the loopback, with data and certificates in a
 * temporary folder of their own, and resolves when it is ready. Authorization is RBAC, admission is what a cluster has.
 *
 * There is no node, no scheduler and no controller: nobody gives pods a status, makes the service account `default` of
 * a namespace, fills endpoint slices or deletes what an object owned. Tests do so by the API.
 *
 * @throws Error without assets; see `describeWithKubernetes`.
 */
export async function startKubernetes(): Promise<RunningKubernetes> {
  const assets = kubernetesAssets();
  if (assets === undefined) throw new Error('no kube-apiserver: run `npm run test:k8s`, which builds it');
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
  const etcd = await startEtcd(folder, assets);
  undo.push(() => etcd.program.kill());

  const port = await freePort();
  const url = `https://127.0.0.1:${port}`;
  const files = await writeServerFiles(folder);
  const client = kubernetesClient(url, { caFile: files.ca, certFile: files.admin.cert, keyFile: files.admin.key });
  undo.push(() => client.close());
  const launch = (): Promise<RunningProgram> =>
    startProgram(assetOf(assets, 'kube-apiserver'), apiServerFlags(files, port, etcd.url), async () => {
      await client.request('GET', '/api/v1/namespaces/default');
      return true;
    });
  let apiServer = await launch();
  undo.push(() => apiServer.kill());

  const kubeconfigOf = kubeconfigs(folder, url, files.ca);
  const admin = { 'client-certificate': files.admin.cert, 'client-key': files.admin.key };
  const kubeconfig = await kubeconfigOf('admin', admin);
  // Whoever runs the tests may have settings and a cache in their home.
  const environment = { ...process.env, HOME: folder, KUBECONFIG: kubeconfig, ...helmFolders(folder) };
  const run = async (name: 'kubectl' | 'helm', args: readonly string[], stdin = ''): Promise<string> => {
    const running = promisify(execFile)(assetOf(assets, name), [...args], { env: environment, maxBuffer: 2 ** 28 });
    running.child.stdin?.end(stdin);
    return (await running).stdout;
  };
  const token: RunningKubernetes['token'] = async (namespace, serviceAccount, { seconds = 3600 } = {}) => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
    const answer = await client.request<{ status: { token: string } }>('POST', path, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: seconds },
    });
    return answer.status.token;
  };
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
    compact: () => compact(etcd.url),
    crash: () => apiServer.kill(),
    restart: async () => {
      apiServer = await launch();
    },
  };
}

async function startEtcd(folder: string, assets: string): Promise<{ url: string; program: RunningProgram }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const flags = [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    // It has no peers.
    '--listen-peer-urls=http://127.0.0.1:0',
    // What it has written outlives its own end, if not that of the machine.
    '--unsafe-no-fsync',
    '--log-level=error',
  ];
  return { url, program: await startProgram(assetOf(assets, 'etcd'), flags, `${url}/readyz`) };
}

interface ServerFiles {
  readonly ca: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly admin: { readonly cert: string; readonly key: string };
  /** By which the tokens of service accounts are signed. */
  readonly tokens: { readonly publicKey: string; readonly privateKey: string };
  readonly auditPolicy: string;
  readonly auditLog: string;
}

async function writeServerFiles(folder: string): Promise<ServerFiles> {
  const authority = makeAuthority(folder);
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const tokens = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'sec1', format: 'pem' },
  });
  return {
    ca: authority.cert,
    server: authority.sign('kube-apiserver', 'kube-apiserver'),
    // RBAC lets this group do everything, before any role exists.
    admin: authority.sign('admin', 'admin/O=system:masters'),
    tokens: {
      publicKey: await file('tokens.pub', tokens.publicKey),
      privateKey: await file('tokens.key', tokens.privateKey),
    },
    auditPolicy: await file('audit-policy.yaml', JSON.stringify(auditPolicy)),
    auditLog: await file('audit.log', ''),
  };
}

function apiServerFlags(files: ServerFiles, port: number, etcdUrl: string): readonly string[] {
  const issuer = 'https://kubernetes.default.svc.cluster.local';
  return [
    `--etcd-servers=${etcdUrl}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    // The endpoint of the service `kubernetes` must not be on the loopback. This address is for documentation (RFC 5737).
    '--advertise-address=192.0.2.1',
    '--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112',
    `--tls-cert-file=${files.server.cert}`,
    `--tls-private-key-file=${files.server.key}`,
    `--client-ca-file=${files.ca}`,
    '--authorization-mode=Node,RBAC',
    // Charts of node agents have privileged pods.
    '--allow-privileged=true',
    `--service-account-issuer=${issuer}`,
    `--service-account-key-file=${files.tokens.publicKey}`,
    `--service-account-signing-key-file=${files.tokens.privateKey}`,
    `--audit-policy-file=${files.auditPolicy}`,
    `--audit-log-path=${files.auditLog}`,
  ];
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

function helmFolders(folder: string): Readonly<Record<string, string>> {
  const names = ['HELM_CACHE_HOME', 'HELM_CONFIG_HOME', 'HELM_DATA_HOME'];
  return Object.fromEntries(names.map((name) => [name, join(folder, 'helm', name.toLowerCase())]));
}

/** By etcd's JSON gateway: the present revision comes with every answer. */
async function compact(etcdUrl: string): Promise<void> {
  const ask = async (path: string, body: object): Promise<unknown> => {
    const answer = await fetch(`${etcdUrl}${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd: ${path}: ${answer.status}: ${await answer.text()}`);
    return answer.json();
  };
  const anyKey = Buffer.from('/').toString('base64');
  const { header } = (await ask('/v3/kv/range', { key: anyKey })) as { header: { revision: string } };
  await ask('/v3/kv/compaction', { revision: header.revision, physical: true });
}
