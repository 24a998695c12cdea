import {
  DEFAULT_ADMIN,
  type Address,
  type LoadConfig,
  type ServiceConfig,
} from '../../microsim/protocol/process-config.ts';
import { ENVIRONMENT, nodeCommand } from '../../microsim/protocol/runtime.ts';
import type { Topology } from '../../microsim/topology/topology.ts';

/** Directories of the programs in the image of manifests/images, and of the configuration in the pods. */
const PROGRAMS = '/usr/lib/lorikeet/dist';
const CONFIG = '/etc/lorikeet-sim';
const CONFIG_MAP = 'simulation';
const LOAD = 'load';
const SEED = 1;
/** Memory of a service with the usual maximum of the fault `memory_leak`, 250 MB. */
const MAX_MEMORY = '384Mi';

/** The simulation for a cluster: a Deployment and a Service for each of its services, and the load generator. */
export function simulatedSystem(topology: Topology): object[] {
  const { namespace, port } = topology;
  const services = Object.keys(topology.services);
  const annotations = { 'lorikeet.dev/monitor': 'true' };
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels, annotations } },
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: metadata(namespace, CONFIG_MAP),
      data: Object.fromEntries(configs(topology).map(([name, config]) => [`${name}.json`, JSON.stringify(config)])),
    },
    ...services.map((name) => service(namespace, name, port)),
    ...Object.entries(topology.services).map(([name, { replicas }]) =>
      deployment(namespace, name, 'lorikeet-sim-service', { port, replicas }),
    ),
    deployment(namespace, LOAD, 'lorikeet-sim-load'),
  ];
}

function configs(topology: Topology): (readonly [string, ServiceConfig | LoadConfig])[] {
  const { services, port, load: settings, requests } = topology;
  const callees: Record<string, Address> = {};
  for (const name of Object.keys(services)) callees[name] = { host: name, port };
  const load: LoadConfig = { admin: DEFAULT_ADMIN, callees, seed: SEED, settings, autostart: true, requests };
  return [
    ...Object.entries(services).map(([name, described], index) => {
      const { replicas: _, ...spec } = described;
      const listen = { host: '0.0.0.0', port };
      const config: ServiceConfig = {
        service: name,
        listen,
        admin: DEFAULT_ADMIN,
        callees,
        seed: SEED + 100 + index,
        ...spec,
      };
      return [name, config] as const;
    }),
    [LOAD, load],
  ];
}

const selector = (name: string) => ({ 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'lorikeet-sim' });

const metadata = (namespace: string, name: string) => ({ namespace, name, labels: selector(name) });

function service(namespace: string, name: string, port: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(namespace, name),
    spec: { selector: selector(name), ports: [{ name: 'http', port, targetPort: 'http', protocol: 'TCP' }] },
  };
}

/** @param options without a port it does not listen */
function deployment(
  namespace: string,
  name: string,
  program: string,
  { port, replicas = 1 }: { readonly port?: number; readonly replicas?: number } = {},
): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(namespace, name),
    spec: {
      replicas,
      selector: { matchLabels: selector(name) },
      template: {
        metadata: { labels: selector(name) },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: 5,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 65532,
            runAsGroup: 65532,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers: [container(name, program, port)],
          volumes: [{ name: 'config', configMap: { name: CONFIG_MAP } }],
        },
      },
    },
  };
}

function container(name: string, program: string, port: number | undefined): object {
  return {
    name,
    image: 'lorikeet-sim',
    command: [...nodeCommand(PROGRAMS, program, 'node'), `${CONFIG}/${name}.json`],
    env: Object.entries(ENVIRONMENT).map(([variable, value]) => ({ name: variable, value })),
    ...(port !== undefined && {
      ports: [{ name: 'http', containerPort: port, protocol: 'TCP' }],
      // No liveness probe: a restart would clear faults.
      readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 10 },
    }),
    resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: MAX_MEMORY } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'config', mountPath: CONFIG, readOnly: true }],
  };
}
