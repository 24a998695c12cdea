import { LOG_FLAGS, UsageError, WEB_FLAGS, type BooleanFlag, type Flags, type FlagValues } from '../daemon/flags.ts';
import { parseListenAddress } from '../daemon/http-server/web-app.ts';
import { renderText } from '../daemon/secrets/redact.ts';
import { COLLECTOR_NAMES, COLLECTORS, type CollectorName } from './collectors/all.ts';
import type { SystemdConfig } from './identity/systemd/systemd-units.ts';

export const FLAGS = {
  'web.listen-address': { type: 'string', default: ':9400', help: 'Address to serve on, [host]:port.' },
  ...WEB_FLAGS,
  'web.enable-native-histograms': {
    type: 'boolean',
    help: 'Send native histograms to scrapers that ask for protobuf. Needs the rules of lorikeet-scorer rules --histograms=native.',
  },
  'targets.file': {
    type: 'string',
    help: 'YAML file of services, their cgroups and addresses; reloaded when it changes.',
  },
  'targets.systemd': {
    type: 'boolean',
    help: 'Every service that systemd runs is a service, named after its unit. Those of the targets file keep their names.',
  },
  'targets.systemd.namespace': { type: 'string', default: 'systemd', help: 'Namespace of the services of systemd.' },
  'targets.systemd.unit-include': {
    type: 'string',
    default: '.+',
    help: 'Regular expression of the units that are services, matched against the whole name, such as cart.service.',
  },
  'targets.systemd.unit-exclude': { type: 'string', help: 'Regular expression of units that are not.' },
  'kubernetes.in-cluster': {
    type: 'boolean',
    help: "Get pods and their peers from the API server of this cluster, with the service account of the exporter's pod.",
  },
  'kubernetes.kubeconfig': {
    type: 'string',
    help: 'Get them from the API server of the current context of this kubeconfig instead.',
  },
  'kubernetes.node-name': {
    type: 'string',
    help: 'Name of this node in the cluster. Default: the environment variable NODE_NAME.',
  },
  'monitor.default': {
    type: 'string',
    default: 'all',
    choices: ['all', 'none'],
    help: 'Whether to monitor pods when neither the pod nor its namespace has the annotation lorikeet.dev/monitor.',
  },
  'path.cgroupfs': {
    type: 'string',
    help: 'Mount point of cgroup2, or the directory above it in the hybrid layout. Default: from /proc/self/mounts.',
  },
  'bpf.object': { type: 'string', help: 'BPF object file. Default: the one shipped with the exporter.' },
  'bpf.max-services': { type: 'number', default: 4096, help: 'Maximum number of cgroups with counts.' },
  'bpf.max-edges': {
    type: 'number',
    default: 16384,
    help: 'Maximum number of pairs of cgroup and peer with counts.',
  },
  'external.max-names': {
    type: 'number',
    default: 100,
    help: 'Maximum number of external peers with a name of their own; further ones are "other".',
  },
  'accept-queues.max-ports': {
    type: 'number',
    default: 20,
    help: 'Maximum number of listening ports of an instance with series of their own; further ones are "other".',
  },
  ...collectorFlags(),
  'collector.http_status.ports': {
    type: 'string',
    help:
      'Collect them for servers on these ports only, separated by commas, for example 80,8080. This flag enables the ' +
      'collector. Default: all ports.',
  },
  ...LOG_FLAGS,
} as const satisfies Flags;

/** `--collector.<name>` for each collector. */
function collectorFlags(): Readonly<Record<`collector.${CollectorName}`, BooleanFlag>> {
  const flags = COLLECTORS.map(({ name, shows, offBecause }) => [
    `collector.${name}`,
    offBecause === undefined
      ? {
          type: 'boolean',
          default: true,
          help: `Collect ${shows} (enabled by default; --no-collector.${name} disables it).`,
        }
      : { type: 'boolean', help: `Collect ${shows} (disabled by default: ${offBecause}).` },
  ]);
  return Object.fromEntries(flags) as Readonly<Record<`collector.${CollectorName}`, BooleanFlag>>;
}

/** The source of pods. */
export interface KubernetesConfig {
  /** Undefined: the cluster of the exporter's own pod. */
  readonly kubeconfig: string | undefined;
  readonly nodeName: string;
  /** Whether to monitor pods without an annotation. */
  readonly monitorDefault: boolean;
}

/** The exporter's settings. */
export interface Config {
  readonly listenAddress: string;
  readonly webConfigFile: string | undefined;
  readonly enableLifecycle: boolean;
  readonly probesWithoutPassword: boolean;
  readonly enableNativeHistograms: boolean;
  readonly targetsFile: string | undefined;
  readonly systemd: SystemdConfig | undefined;
  readonly kubernetes: KubernetesConfig | undefined;
  readonly cgroupfs: string | undefined;
  readonly bpfObject: string | undefined;
  readonly maxServices: number;
  readonly maxEdges: number;
  readonly maxExternalNames: number;
  readonly maxPorts: number;
  readonly collectors: ReadonlySet<CollectorName>;
  /** Ports of servers whose responses are counted by status; empty: all. */
  readonly statusPorts: readonly number[];
}

/**
 * The settings from the flags. `environment` has the variables used in place of flags that are not set.
 *
 * @throws UsageError naming the flag and the expected value.
 */
export function readConfig(values: FlagValues<typeof FLAGS>, environment: NodeJS.ProcessEnv = {}): Config {
  parseListenAddress(values['web.listen-address']);
  const statusPorts = ports('collector.http_status.ports', values['collector.http_status.ports']);
  const enabled = COLLECTOR_NAMES.filter((name) => values[`collector.${name}`]);
  return {
    listenAddress: values['web.listen-address'],
    webConfigFile: values['web.config.file'],
    enableLifecycle: values['web.enable-lifecycle'],
    probesWithoutPassword: values['web.probes-without-password'],
    enableNativeHistograms: values['web.enable-native-histograms'],
    targetsFile: values['targets.file'],
    systemd: values['targets.systemd'] ? systemdConfig(values) : undefined,
    kubernetes: kubernetesConfig(values, environment),
    cgroupfs: values['path.cgroupfs'],
    bpfObject: values['bpf.object'],
    maxServices: wholeNumber('bpf.max-services', values['bpf.max-services'], 1),
    maxEdges: wholeNumber('bpf.max-edges', values['bpf.max-edges'], 1),
    maxExternalNames: wholeNumber('external.max-names', values['external.max-names'], 0),
    maxPorts: wholeNumber('accept-queues.max-ports', values['accept-queues.max-ports'], 0),
    collectors: new Set<CollectorName>(statusPorts.length > 0 ? [...enabled, 'http_status'] : enabled),
    statusPorts,
  };
}

interface SystemdValues {
  readonly 'targets.systemd.namespace': string;
  readonly 'targets.systemd.unit-include': string;
  readonly 'targets.systemd.unit-exclude': string | undefined;
}

function systemdConfig(values: SystemdValues): SystemdConfig {
  const namespace = values['targets.systemd.namespace'];
  if (namespace === '') throw new UsageError('--targets.systemd.namespace: expected a name');
  const exclude = values['targets.systemd.unit-exclude'];
  return {
    namespace,
    include: wholeName('targets.systemd.unit-include', values['targets.systemd.unit-include']),
    exclude: exclude === undefined ? undefined : wholeName('targets.systemd.unit-exclude', exclude),
  };
}

function wholeName(flag: string, text: string): RegExp {
  try {
    return new RegExp(`^(?:${text})$`, 'u');
  } catch {
    throw new UsageError(`--${flag}: expected a regular expression, got ${renderText(text)}`);
  }
}

interface KubernetesValues {
  readonly 'kubernetes.in-cluster': boolean;
  readonly 'kubernetes.kubeconfig': string | undefined;
  readonly 'kubernetes.node-name': string | undefined;
  readonly 'monitor.default': string;
}

function kubernetesConfig(values: KubernetesValues, { NODE_NAME }: NodeJS.ProcessEnv): KubernetesConfig | undefined {
  const kubeconfig = values['kubernetes.kubeconfig'];
  if (kubeconfig === undefined && !values['kubernetes.in-cluster']) return undefined;
  if (kubeconfig !== undefined && values['kubernetes.in-cluster']) {
    throw new UsageError('--kubernetes.kubeconfig: expected this or --kubernetes.in-cluster, not both');
  }
  const nodeName = values['kubernetes.node-name'] || NODE_NAME || '';
  if (nodeName === '')
    throw new UsageError(
      '--kubernetes.node-name: expected the name of this node, here or in the environment variable NODE_NAME',
    );
  return { kubeconfig, nodeName, monitorDefault: values['monitor.default'] === 'all' };
}

/** More than any node needs; a million rows would take gigabytes of kernel memory. */
const MAX_ROWS = 1_000_000;

function wholeNumber(flag: string, value: number, min: number): number {
  if (Number.isInteger(value) && value >= min && value <= MAX_ROWS) return value;
  throw new UsageError(
    `--${flag}: expected a whole number from ${min} to ${MAX_ROWS}, got ${renderText(String(value))}`,
  );
}

const MAX_PORT = 65_535;
/** The size of the kernel map. */
const MAX_PORTS = 1024;

/** Port numbers separated by commas. */
function ports(flag: string, value: string | undefined): readonly number[] {
  if (value === undefined) return [];
  const numbers = value.split(',').map((text) => (/^ *\d+ *$/.test(text) ? Number(text) : 0));
  if (numbers.length <= MAX_PORTS && numbers.every((port) => port >= 1 && port <= MAX_PORT))
    return [...new Set(numbers)];
  throw new UsageError(
    `--${flag}: expected at most ${MAX_PORTS} ports from 1 to ${MAX_PORT}, separated by commas, got ${renderText(value)}`,
  );
}
