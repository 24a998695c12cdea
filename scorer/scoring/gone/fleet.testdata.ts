import { CHANNELS, type FeatureSet, parseFeatures } from '../../features/features.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { Identity } from '../../identity/identity.ts';
import { WHOLE_FLEET } from '../../identity/shard.ts';
import { edgeKey, serviceKey, type ServiceName } from '../../identity/service-key.ts';
import { type GoneEvidence, type GoneLimits, GoneServices } from './gone-services.ts';
import { failingCalls } from './failing-calls.ts';

/** Two features of services, and of edges the failures and the latency. */
export const SET: FeatureSet = parseFeatures(
  'features.yaml',
  `windows: [1s, 5s, 15s]
features:
  - { name: rate, expr: 'a[$window]', scale: log, signal: traffic }
  - { name: latency, expr: 'b[$window]', scale: log, signal: latency }
edges:
  - { name: latency, expr: 'd[$window]', scale: log, signal: latency }
  - { name: failure_rate, expr: 'e[$window]', scale: log, signal: errors, failure: true, floor: 0.2 }
`,
);

export const name = (service: string, namespace = 'shop', cluster?: string): ServiceName => ({
  ...(cluster !== undefined && { cluster }),
  namespace,
  service,
});
export const key = (...parts: Parameters<typeof name>): string => serviceKey(name(...parts));
export const keyOfEdge = (client: string, server: string): string => edgeKey(name(client), name(server));

export const LIMITS: GoneLimits = { keepSteps: 60, settleSteps: 1, max: 3 };
const CAPACITY = 17;
/** Length of each channel's window, steps: so long it has values of a service that has ended. */
const TAILS = [0, 4, 14] as const;

/** A fleet that is played step by step, and the services that are gone from it. */
export class PlayedFleet {
  readonly fleet = new Fleet(SET, 1000, CAPACITY, WHOLE_FLEET, new Identity(['cluster']));
  readonly gone: GoneServices;
  step: number;
  readonly #last = new Map<string, number>();

  constructor(gone = new GoneServices(LIMITS), from = 100) {
    this.gone = gone;
    this.step = from;
  }

  /**
   * Plays one step.
   *
   * @param services that have values, with their scores; NaN is no score
   * @param calls failures by edge; the clients have values for as long as they are given
   * @returns names of the gone services after the step
   */
  play(
    services: Readonly<Record<string, number>>,
    { calls = {}, removed = [], excused = [] }: PlayedEvidence = {},
  ): string[] {
    this.step++;
    for (const service of Object.keys(services)) this.#last.set(service, this.step);
    for (const [service, last] of this.#last) {
      for (const [channel, tail] of TAILS.entries()) if (this.step - last <= tail) this.#value(service, channel);
    }
    for (const [edge, failures] of Object.entries(calls)) this.#call(edge, failures);
    const absent = this.gone.observe(SET.features, this.fleet, this.step);
    const failing = failingCalls(SET, this.fleet, this.step, absent, undefined);
    const evidence: GoneEvidence = {
      failing,
      isRemoved: (of) => removed.some((service) => playedKey(service) === of),
      isExcused: (of) => excused.some((service) => playedKey(service) === of),
    };
    if (this.gone.suspects(failing).length > 0) this.gone.judge(this.step, evidence);
    const scored = Object.entries(services).filter(([, score]) => !Number.isNaN(score));
    const scores = new Map(scored.map(([service, score]) => [playedKey(service), score]));
    this.gone.remember(this.step, scores, new Map([...scores].map(([of, score]) => [of, 4 * score])));
    return this.names;
  }

  /** Plays several steps; returns the names of the gone services after the last one. */
  playSteps(count: number, services: Readonly<Record<string, number>>, evidence: PlayedEvidence = {}): string[] {
    for (let step = 0; step < count; step++) this.play(services, evidence);
    return this.names;
  }

  get names(): string[] {
    return this.gone.current.map((one) => one.key);
  }

  #value(service: string, channel: number): void {
    for (const { name: feature } of SET.features) {
      const [own, namespace, cluster] = service.split('.');
      this.fleet.addService({
        labels: { ...name(own!, namespace, cluster), feature, channel: CHANNELS[channel]! },
        timestamps: Float64Array.of(this.step * 1000),
        values: Float64Array.of(1),
      });
    }
  }

  #call(edge: string, failures: number): void {
    const [client, server] = edge.split('>');
    const labels = {
      client_namespace: 'shop',
      client_service: client!,
      server_namespace: 'shop',
      server_service: server!,
    };
    for (const [feature, value] of Object.entries({ latency: 1, failure_rate: failures })) {
      const timestamps = Float64Array.of(this.step * 1000);
      this.fleet.addEdge({ labels: { ...labels, feature }, timestamps, values: Float64Array.of(value) });
    }
  }
}

export interface PlayedEvidence {
  /** Failures/s by edge, such as `front>cart`. */
  readonly calls?: Readonly<Record<string, number>>;
  readonly removed?: readonly string[];
  readonly excused?: readonly string[];
}

/** The key of `service`, of `service.namespace`, or of `service.namespace.cluster`. */
function playedKey(service: string): string {
  const [own, namespace, cluster] = service.split('.');
  return key(own!, namespace, cluster);
}
