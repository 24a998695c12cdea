import type { Cluster } from '../cluster.ts';
import { operatorManifest } from '../images/images.ts';

export interface Row {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Answer {
  readonly data: {
    readonly result: readonly { readonly metric: Row['labels']; readonly value: readonly [number, string] }[];
  };
}

/** The Prometheus of a cluster, in a pod that Prometheus Operator runs. */
export class Monitoring {
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Installs the operator and a Prometheus, and resolves when it answers. */
  static async install(cluster: Cluster): Promise<Monitoring> {
    await cluster.kubectl(['apply', '--server-side', '-f', operatorManifest(cluster.programs)]);
    await cluster.kubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
    await cluster.kubectl(['rollout', 'status', 'deployment/prometheus-operator', '--timeout=240s']);
    await cluster.apply('prometheus.yaml', {
      VERSION: cluster.images.prometheus().version,
      EVALUATION_INTERVAL: '30s',
    });
    const monitoring = new Monitoring(cluster);
    await cluster.until('Prometheus', 300, async () => (await monitoring.query('vector(1)')).length === 1);
    return monitoring;
  }

  /** The rows of an instant query. */
  async query(expression: string): Promise<Row[]> {
    const parameters = new URLSearchParams({ query: expression });
    const { data } = await this.#get<Answer>(`query?${parameters}`);
    return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
  }

  /** The value of an instant query with one row; undefined if it has none. @throws Error if it has several */
  async value(expression: string): Promise<number | undefined> {
    const rows = await this.query(expression);
    if (rows.length > 1) throw new Error(`${expression}: expected one row, got ${rows.length}`);
    return rows[0]?.value;
  }

  /** The names of the alerting rules that Prometheus has loaded. */
  async alertingRules(): Promise<string[]> {
    interface Rules {
      readonly data: { readonly groups: readonly { readonly rules: readonly { readonly name: string }[] }[] };
    }
    const { data } = await this.#get<Rules>('rules?type=alert');
    return data.groups.flatMap(({ rules }) => rules.map(({ name }) => name));
  }

  #get<Content>(path: string): Promise<Content> {
    const service = '/api/v1/namespaces/monitoring/services/prometheus-operated:9090/proxy';
    return this.#cluster.api.request<Content>('GET', `${service}/api/v1/${path}`);
  }
}
