import type { Cluster } from '../../scripts/cluster/cluster.ts';
import type { Monitoring } from '../../scripts/cluster/scenario/monitoring.ts';
import { NAMESPACE } from './workloads.ts';

const SECONDS = 240;
const SERVER_PORT = 8080;

interface Pods {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
    readonly status: {
      readonly containerStatuses?: readonly { readonly restartCount: number; readonly state: object }[];
    };
  }[];
}

/** The exporters' counts in Prometheus, and what they have to be by the Kubernetes API. */
export class Counts {
  readonly #cluster: Cluster;
  readonly #monitoring: Monitoring;

  constructor(cluster: Cluster, monitoring: Monitoring) {
    this.#cluster = cluster;
    this.#monitoring = monitoring;
  }

  /** The expression of the requests that a service, or one of its pods, has answered. */
  served(namespace: string, service: string, pod?: string): string {
    const of = pod === undefined ? '' : `,pod="${pod}"`;
    return `sum(lorikeet_requests_total{namespace="${namespace}",service="${service}",role="server"${of}})`;
  }

  /** Waits for the value of an expression. */
  async becomes(expression: string, expected: number | (() => Promise<number>)): Promise<void> {
    let seen = '';
    const equal = async () => {
      const [value, wanted] = [
        await this.#monitoring.value(expression),
        typeof expected === 'number' ? expected : await expected(),
      ];
      seen = `got ${value ?? 'nothing'}, expected ${wanted}`;
      return value === wanted && (typeof expected === 'number' || wanted > 0);
    };
    await this.#cluster.until(expression, SECONDS, equal).catch((cause: unknown) => {
      throw new Error(`${expression}: ${seen}`, { cause });
    });
  }

  /**
   * Waits until the client has counted this many requests to a server, both in the namespace of the workloads.
   */
  edgeBecomes(
    client: string,
    server: string,
    expected: number | (() => Promise<number>),
    port = SERVER_PORT,
  ): Promise<void> {
    const labels = [
      `client_namespace="${NAMESPACE}",client_service="${client}"`,
      `server_namespace="${NAMESPACE}",server_service="${server}",server_port="${port}"`,
    ];
    return this.becomes(`sum(lorikeet_edge_requests_total{${labels.join(',')}})`, expected);
  }

  /** Waits until the value rises; it falls when its exporter was replaced. */
  async grows(expression: string): Promise<void> {
    let least = Infinity;
    await this.#cluster.until(`more of ${expression}`, SECONDS, async () => {
      const value = (await this.#monitoring.value(expression)) ?? 0;
      least = Math.min(least, value);
      return value > least;
    });
  }

  /** Requests per second, over a minute. */
  async rate(series: string): Promise<number> {
    return (await this.#monitoring.value(`sum(rate(${series}[1m]))`)) ?? NaN;
  }

  /** Names of the pods of a Deployment, without those that are being deleted. */
  async pods(namespace: string, service: string): Promise<string[]> {
    const label = namespace === 'shop' ? 'app.kubernetes.io/name' : 'app';
    const { items } = await this.#pods(namespace, `${label}%3D${service}`);
    return items
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ metadata }) => metadata.name);
  }

  /** Jobs of CronJobs that have succeeded. */
  async finishedJobs(namespace: string): Promise<number> {
    const { items } = await this.#cluster.api.request<{ items: readonly { status: { succeeded?: number } }[] }>(
      'GET',
      `/apis/batch/v1/namespaces/${namespace}/jobs`,
    );
    return items.reduce((sum, { status }) => sum + (status.succeeded ?? 0), 0);
  }

  /** Containers that have ended, of the only pod of a Deployment that restarts them; 0 while one runs. */
  async finishedContainers(namespace: string, deployment: string): Promise<number> {
    const { items } = await this.#pods(namespace, `app%3D${deployment}`);
    const [status] = items[0]?.status.containerStatuses ?? [];
    return status === undefined || 'running' in status.state || status.restartCount === 0 ? 0 : status.restartCount + 1;
  }

  #pods(namespace: string, selector: string): Promise<Pods> {
    const path = `/api/v1/namespaces/${namespace}/pods?labelSelector=${selector}`;
    return this.#cluster.api.request<Pods>('GET', path);
  }
}
