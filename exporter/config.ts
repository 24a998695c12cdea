import { LOG_FLAGS, UsageError, WEB_FLAGS, type BooleanFlag, type Flags, type FlagValues } from '../daemon/flags.ts';
import { parseListenAddress } from '../daemon/http-server/web-app.ts';
import { COLLECTOR_NAMES, COLLECTORS, type CollectorName } from './collectors/all.ts';

export const FLAGS = {
  'web.listen-address': { type: 'string', default: ':9400', help: 'Address to serve on, [host]:port.' },
  ...WEB_FLAGS,
  'targets.file': {
    type: 'string',
    help: 'YAML file of services and their cgroups and addresses; read again when it changes.',
  },
  'kubernetes.in-cluster': {
    type: 'boolean',
    help: "Learn pods and their peers from the API server of the cluster that the program runs in, by its pod's service account.",
  },
  'kubernetes.kubeconfig': {
    type: 'string',
    help: 'Learn them from the API server of the current context of this kubeconfig instead.',
  },
  'kubernetes.node-name': {
    type: 'string',
    help: 'The node of the cluster that this machine is. Default: the environment variable NODE_NAME.',
  },
  'monitor.default': {
    type: 'string',
    default: 'all',
    choices: ['all', 'none'],
    help: 'Which pods have series if neither their annotation lorikeet.dev/monitor nor that of their namespace says so.',
  },
  'path.cgroupfs': { type: 'string', help: 'Where cgroup2 is mounted. Default: found in /proc/self/mounts.' },
  'bpf.object': { type: 'string', help: 'The BPF object file. Default: the one that came with the program.' },
  'bpf.max-services': { type: 'number', default: 4096, help: 'Greatest number of cgroups counted at a time.' },
  'bpf.max-edges': {
    type: 'number',
    default: 16384,
    help: 'Greatest number of pairs of a cgroup and a peer counted at a time.',
  },
  'external.max-names': {
    type: 'number',
    default: 100,
    help: 'External peers with a name of their own; the others are "other".',
  },
  'accept-queues.max-ports': {
    type: 'number',
    default: 20,
    help: 'Listening ports of an instance that get series of their own; the others are "other".',
  },
  ...collectorFlags(),
  ...LOG_FLAGS,
} as const satisfies Flags;

/** `--collector.<name>`, one for each. */
function collectorFlags(): Readonly<Record<`collector.${CollectorName}`, BooleanFlag>> {
  const flags = COLLECTORS.map(({ name, shows, offBecause }) => [
    `collector.${name}`,
    offBecause === undefined
      ? {
          type: 'boolean',
          default: true,
          help: `Collect ${shows} (on by default; --no-collector.${name} turns it off).`,
        }
      : { type: 'boolean', help: `Collect ${shows} (off by default: ${offBecause}).` },
  ]);
  return Object.fromEntries(flags) as Readonly<Record<`collector.${CollectorName}`, BooleanFlag>>;
}

/** Where pods are learned from. */
export interface KubernetesConfig {
  /** Undefined: the cluster that the program runs in. */
  readonly kubeconfig: string | undefined;
  readonly nodeName: string;
  /** Whether pods have series about which no annotation says anything. */
  readonly monitorDefault: boolean;
}

/** What the exporter was asked to do. */
export interface Config {
  readonly listenAddress: string;
  readonly webConfigFile: string | undefined;
  readonly enableLifecycle: boolean;
  readonly targetsFile: string | undefined;
  readonly kubernetes: KubernetesConfig | undefined;
  readonly cgroupfs: string | undefined;
  readonly bpfObject: string | undefined;
  readonly maxServices: number;
  readonly maxEdges: number;
  readonly maxExternalNames: number;
  readonly maxPorts: number;
  readonly collectors: ReadonlySet<CollectorName>;
}

/**
 * What the flags ask for. `environment` are the variables that stand for flags that weren't given.
 *
 * @throws UsageError naming the flag and what it expects.
 */
export function readConfig(values: FlagValues<typeof FLAGS>, environment: NodeJS.ProcessEnv = {}): Config {
  parseListenAddress(values['web.listen-address']);
  return {
    listenAddress: values['web.listen-address'],
    webConfigFile: values['web.config.file'],
    enableLifecycle: values['web.enable-lifecycle'],
    targetsFile: values['targets.file'],
    kubernetes: kubernetesConfig(values, environment),
    cgroupfs: values['path.cgroupfs'],
    bpfObject: values['bpf.object'],
    maxServices: wholeNumber('bpf.max-services', values['bpf.max-services'], 1),
    maxEdges: wholeNumber('bpf.max-edges', values['bpf.max-edges'], 1),
    maxExternalNames: wholeNumber('external.max-names', values['external.max-names'], 0),
    maxPorts: wholeNumber('accept-queues.max-ports', values['accept-queues.max-ports'], 0),
    collectors: new Set(COLLECTOR_NAMES.filter((name) => values[`collector.${name}`])),
  };
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
    throw new UsageError('--kubernetes.node-name: expected a name, here or in the variable NODE_NAME');
  return { kubeconfig, nodeName, monitorDefault: values['monitor.default'] === 'all' };
}

/** A million rows are beyond any node and would be gigabytes of kernel memory. */
const MOST_ROWS = 1_000_000;

function wholeNumber(flag: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= MOST_ROWS) return value;
  throw new UsageError(`--${flag}: expected a whole number from ${least} to ${MOST_ROWS}, got "${value}"`);
}
