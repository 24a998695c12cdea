import { Random } from '../../scorer/numeric/random.ts';
import { changeAt, loadAt, type TotalChange } from './load.ts';
import type { Scenario } from './scenario.ts';
import { SHOP, type ShopService, USUAL_RATES } from './shop.ts';

/** What one service did in one minute: sums over the minute, but for `connections` and `memoryBytes`. */
export interface ServiceMinute {
  readonly requests: number;
  readonly seconds: number;
  readonly p90: number;
  readonly calls: number;
  readonly callSeconds: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly connections: number;
  readonly opened: number;
  readonly connectFailures: number;
  /** As its callers see it. */
  readonly calledSeconds: number;
  readonly calledFailures: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

/** What one service asked of another in one minute. */
export interface EdgeMinute {
  readonly requests: number;
  readonly seconds: number;
  readonly receivedBytes: number;
  readonly failures: number;
}

export interface ShopMinute {
  /** Services that are gone or not scraped are missing. */
  readonly services: ReadonlyMap<string, ServiceMinute>;
  /** By client, then by server. */
  readonly edges: ReadonlyMap<string, ReadonlyMap<string, EdgeMinute>>;
}

/** Standard deviations of logarithms. */
const NOISE = { load: 0.04, latency: 0.06, p90: 0.08, cpu: 0.04, memory: 0.006, bytes: 0.02 } as const;
const P90 = 2.2;
/** At full load a request takes this much longer than at none. */
const QUEUEING = 0.3;
/** Of a service without requests. */
const IDLE_CORES = 0.01;
const IDLE_CONNECTIONS = 3;
/** Memory that follows the load. */
const LOADED_MEMORY = 0.1;
const OPENED_PER_REQUEST = 0.05;
const RECEIVED_BYTES = 450;
const WIRE_SECONDS = 0.0004;

/** Calculates one minute after the other of a scenario's shop, always the same with the same seed. */
export class World {
  readonly #scenario: Scenario;
  readonly #random: Random;

  constructor(scenario: Scenario, seed: number) {
    this.#scenario = scenario;
    this.#random = new Random(seed);
  }

  minute(minute: number): ShopMinute {
    const load = loadAt(this.#scenario, minute);
    const changes = new Map(SHOP.map(({ name }) => [name, changeAt(this.#scenario, name, minute)]));
    const change = (name: string) => changes.get(name)!;
    const requests = this.#requests(load, change);
    const seconds = new Map<string, number>();
    const services = new Map<string, ServiceMinute>();
    const edges = new Map<string, Map<string, EdgeMinute>>();
    // Callees first: a caller waits for them.
    for (const service of SHOP.toReversed()) {
      const own = change(service.name);
      if (!own.present) continue;
      const asked = requests.get(service.name) ?? 0;
      const utilisation = asked / 60 / (USUAL_RATES.get(service.name) ?? NaN) / own.capacity;
      const waits = Object.entries(service.calls).reduce(
        (sum, [to, calls]) => sum + calls * ((seconds.get(to) ?? 0) + own.network),
        0,
      );
      const mean =
        (service.seconds * (1 + QUEUEING * utilisation) * own.latency + waits) *
        this.#noise(NOISE.latency / Math.sqrt(Math.max(1, asked / 300)));
      seconds.set(service.name, mean + WIRE_SECONDS + own.network);
      const outgoing = this.#edgesOf(service, asked, seconds, change);
      if (!own.scraped) continue;
      edges.set(service.name, outgoing);
      services.set(service.name, this.#service(service, own, { asked, mean, utilisation }, [...outgoing.values()]));
    }
    return { services, edges };
  }

  /** Requests of the minute by service, Poisson distributed for given loads. */
  #requests(load: number, change: (name: string) => TotalChange): Map<string, number> {
    const requests = new Map<string, number>();
    const add = (name: string, expected: number) => requests.set(name, (requests.get(name) ?? 0) + expected);
    for (const { name, visitors, calls } of SHOP) {
      if (visitors > 0) add(name, visitors * 60 * load * this.#noise(NOISE.load));
      const { load: factor, present } = change(name);
      const asked = present ? this.#poisson((requests.get(name) ?? 0) * factor) : 0;
      requests.set(name, asked);
      for (const [callee, each] of Object.entries(calls)) add(callee, asked * each);
    }
    return requests;
  }

  #edgesOf(
    { name: client, calls }: ShopService,
    asked: number,
    seconds: ReadonlyMap<string, number>,
    change: (name: string) => TotalChange,
  ): Map<string, EdgeMinute> {
    return new Map(
      Object.entries(calls).map(([callee, each]) => {
        const { bytes, failures, present } = change(callee);
        const tried = asked * each;
        const failed = Math.round(tried * (present ? failures : 1));
        const sent = SHOP.find(({ name }) => name === callee)?.sentBytes ?? 0;
        return [
          callee,
          {
            requests: tried - failed,
            seconds: (tried - failed) * ((seconds.get(callee) ?? 0) + change(client).network) * this.#noise(0.02),
            receivedBytes: (tried - failed) * sent * bytes * this.#noise(NOISE.bytes),
            failures: failed,
          },
        ];
      }),
    );
  }

  #service(
    service: ShopService,
    change: TotalChange,
    { asked, mean, utilisation }: { readonly asked: number; readonly mean: number; readonly utilisation: number },
    outgoing: readonly EdgeMinute[],
  ): ServiceMinute {
    const answered = Math.round(asked * (1 - change.failures));
    const total = (pick: (edge: EdgeMinute) => number) => outgoing.reduce((sum, edge) => sum + pick(edge), 0);
    const cpu = IDLE_CORES * 60 * change.capacity + asked * service.cpuSecondsPerRequest;
    return {
      requests: answered,
      seconds: answered * mean,
      p90: answered === 0 ? NaN : mean * P90 * this.#noise(NOISE.p90),
      calls: total(({ requests }) => requests),
      callSeconds: total(({ seconds }) => seconds),
      receivedBytes: asked * RECEIVED_BYTES * this.#noise(NOISE.bytes),
      sentBytes: answered * service.sentBytes * change.bytes * this.#noise(NOISE.bytes),
      connections:
        IDLE_CONNECTIONS * change.capacity + (asked / 60) * mean * 1.2 + 0.2 * Math.abs(this.#random.normal()),
      opened: this.#poisson(asked * OPENED_PER_REQUEST),
      connectFailures: total(({ failures }) => failures),
      calledSeconds: answered * (mean + WIRE_SECONDS + change.network) * this.#noise(0.02),
      calledFailures: asked - answered,
      cpuSeconds: cpu * change.cpu * this.#noise(NOISE.cpu),
      memoryBytes:
        service.memoryBytes *
        change.capacity *
        (1 + LOADED_MEMORY * utilisation) *
        change.memory *
        this.#noise(NOISE.memory),
    };
  }

  #noise(deviation: number): number {
    return Math.exp(deviation * this.#random.normal());
  }

  /** By the normal approximation; exact enough for counts that matter. */
  #poisson(mean: number): number {
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * this.#random.normal()));
  }
}
