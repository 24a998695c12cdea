import { SIM_IMAGE } from '../../scripts/cluster/images/images.ts';

/*
 * Pods that are not simply a container of a Deployment. Each sends a known number of requests, which its exporter has to
 * count. All run Node.js of the simulation's image.
 */

export const NAMESPACE = 'workloads';

/** Requests that a client sends in one life. */
export const REQUESTS = { init: 7, sidecar: 11, cronJob: 5, toTheHost: 9, restarting: 3 } as const;

const SERVER_PORT = 8080;
/** In the node's network, where another program could have the port above. */
export const HOST_PORT = 18_080;
export const SIDECAR_PORT = 9000;

const PROGRAMS = {
  'server.mjs': `
    import { createServer } from 'node:http';
    const [, , port, address] = process.argv;
    createServer((_request, response) => response.end('fine')).listen(Number(port), address);
    process.on('SIGTERM', () => process.exit(0));
  `,
  // A connection for each request. One that no server accepts is no request, and is tried again.
  'client.mjs': `
    import { get } from 'node:http';
    const [, , url, count, then] = process.argv;
    const ask = () => new Promise((resolve, reject) => {
      get(url, { agent: false }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
    const pause = () => new Promise((resolve) => setTimeout(resolve, 200));
    for (let sent = 0; sent < Number(count); ) {
      try { await ask(); sent++; } catch { await pause(); }
    }
    process.on('SIGTERM', () => process.exit(0));
    if (then === 'stay') setInterval(() => undefined, 1000);
    else process.exit(Number(then));
  `,
};

type Container = Readonly<Record<string, unknown>>;

function container(name: string, args: readonly (string | number)[], more: object = {}): Container {
  const command = ['node', ...args.map(String)];
  const volumeMounts = [{ name: 'programs', mountPath: '/programs' }];
  return { name, image: SIM_IMAGE, command, volumeMounts, ...more };
}

const server = (port: number, address = '0.0.0.0', more: object = {}) =>
  container('server', ['/programs/server.mjs', port, address], more);
/** @param then `stay`, or the exit status after the last request */
const client = (url: string, count: number, then: 'stay' | 0 | 1) =>
  container('client', ['/programs/client.mjs', url, count, then]);

const volumes = [{ name: 'programs', configMap: { name: 'programs' } }];
const metadata = (name: string) => ({ name, namespace: NAMESPACE });

function deployment(name: string, spec: object): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 2, volumes, ...spec } };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(name),
    spec: { selector: { matchLabels: labels }, template },
  };
}

function service(name: string, port: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name),
    spec: { selector: { app: name }, ports: [{ port }] },
  };
}

const ready = (port: number) => ({
  ports: [{ containerPort: port }],
  readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
});

const SERVER = `http://server:${SERVER_PORT}`;

/** All of them, as one object for kubectl. */
export function workloads(): object {
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('programs'), data: PROGRAMS },
    service('server', SERVER_PORT),
    deployment('server', { containers: [server(SERVER_PORT, '0.0.0.0', ready(SERVER_PORT))] }),
    deployment('with-init', {
      initContainers: [{ ...client(SERVER, REQUESTS.init, 0), name: 'init' }],
      containers: [server(SERVER_PORT)],
    }),
    deployment('with-sidecar', {
      initContainers: [{ ...server(SIDECAR_PORT, '127.0.0.1'), name: 'sidecar', restartPolicy: 'Always' }],
      containers: [client(`http://127.0.0.1:${SIDECAR_PORT}`, REQUESTS.sidecar, 'stay')],
    }),
    service('on-the-host', HOST_PORT),
    deployment('on-the-host', { hostNetwork: true, containers: [server(HOST_PORT, '0.0.0.0', ready(HOST_PORT))] }),
    deployment('calls-the-host', {
      containers: [client(`http://on-the-host:${HOST_PORT}`, REQUESTS.toTheHost, 'stay')],
    }),
    deployment('restarting', { containers: [client(SERVER, REQUESTS.restarting, 1)] }),
    cronJob('every-minute', client(SERVER, REQUESTS.cronJob, 0)),
  ];
  return { apiVersion: 'v1', kind: 'List', items };
}

function cronJob(name: string, only: Container): object {
  const pod = { restartPolicy: 'Never', volumes, containers: [only] };
  const jobTemplate = { spec: { backoffLimit: 0, template: { spec: pod } } };
  const spec = { schedule: '* * * * *', successfulJobsHistoryLimit: 100, jobTemplate };
  return { apiVersion: 'batch/v1', kind: 'CronJob', metadata: metadata(name), spec };
}
