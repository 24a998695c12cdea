/** Which of the shop's signals are abnormal. */
export interface Fault {
  service: string | undefined;
  /** Factor on the latency. */
  slowness: number;
}

const SERVICES = ['cart', 'catalog', 'payment'];
const CALLS = [
  ['cart', 'catalog'],
  ['cart', 'payment'],
] as const;
const RATE = 40;
const LATENCY_MS = 20;

/** Counters that grow with time and an irregular load, so that no value repeats. */
export class IstioShop {
  readonly fault: Fault = { service: undefined, slowness: 1 };
  readonly #counters = new Map<string, number>();
  #seconds = 0;
  #seed = 1;

  /** Adds what happened since the last call. */
  advance(seconds: number): void {
    const passed = seconds - this.#seconds;
    this.#seconds = seconds;
    for (const service of SERVICES) {
      const requests = RATE * passed * this.#noise();
      this.#serve(`destination`, `,source_workload_namespace="shop",source_workload="gateway"`, service, requests);
      this.#add(cadvisor('container_cpu_usage_seconds_total', service), 0.004 * requests);
      this.#add(
        node('node_cpu_seconds_total', service, ',cpu="0",mode="idle"'),
        passed * (1 - 0.004 * RATE * this.#noise()),
      );
      this.#add(node('node_cpu_seconds_total', service, ',cpu="0",mode="user"'), 0.004 * requests);
    }
    for (const [client, server] of CALLS) {
      const source = `,source_workload_namespace="shop",source_workload="${client}-v1"`;
      this.#serve('source', source.replace('-v1', ''), server, RATE * 0.5 * passed * this.#noise());
    }
  }

  /** The text of istio-proxy, cAdvisor or node_exporter; the last for the machine of one service. */
  render(source: 'istio' | 'cadvisor' | 'node', service = ''): string {
    const prefix = { istio: 'istio_', cadvisor: 'container_', node: 'node_' }[source];
    const counters = [...this.#counters]
      .filter(([name]) => name.startsWith(prefix) && (source !== 'node' || name.includes(`machine="${service}"`)))
      .map(([name, value]) => `${name.replace(/machine="\w+",?/, '')} ${value}`);
    const memory = 5e7 * this.#noise();
    const gauges = {
      istio: [],
      cadvisor: SERVICES.map((one) => `${cadvisor('container_memory_working_set_bytes', one)} ${memory}`),
      node: [`node_memory_MemAvailable_bytes ${4e9 * this.#noise()}`, 'node_memory_MemTotal_bytes 8e9'],
    }[source];
    return `${[...counters, ...gauges].join('\n')}\n`;
  }

  #serve(reporter: string, source: string, service: string, requests: number): void {
    const labels =
      `{reporter="${reporter}"${source},destination_workload_namespace="shop",destination_workload="${service}",` +
      `destination_service="${service}.shop.svc.cluster.local",destination_service_name="${service}",` +
      `destination_service_namespace="shop",request_protocol="http",response_code="200",response_flags="-",` +
      `connection_security_policy="mutual_tls"}`;
    const slow = service === this.fault.service ? this.fault.slowness : 1;
    this.#add(`istio_requests_total${labels}`, requests);
    this.#add(`istio_request_duration_milliseconds_count${labels}`, requests);
    this.#add(`istio_request_duration_milliseconds_sum${labels}`, requests * LATENCY_MS * slow * this.#noise());
  }

  #add(series: string, amount: number): void {
    this.#counters.set(series, (this.#counters.get(series) ?? 0) + Math.max(0, amount));
  }

  #noise(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return 0.95 + (0.1 * this.#seed) / 2_147_483_647;
  }
}

function cadvisor(name: string, service: string): string {
  const pod = `${service}-5d8c7b9f4-x2k9z`;
  return `${name}{container="${service}",id="/kubepods/${pod}",image="registry/${service}:1",name="1f",namespace="shop",pod="${pod}"}`;
}

function node(name: string, service: string, labels: string): string {
  return `${name}{machine="${service}"${labels}}`;
}
