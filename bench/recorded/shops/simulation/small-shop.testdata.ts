import type { Events } from '../faults/draw-events.ts';
import type { Trouble } from '../faults/fault.ts';
import { lasting } from '../laws/duration.ts';
import type { Call, ShopService, Topology } from '../topology/topology.ts';
import { Simulation } from './simulation.ts';

const STEP_SECONDS = 30;

export function shopService(name: string, kind: ShopService['kind'], other: Partial<ShopService> = {}): ShopService {
  return {
    name,
    kind,
    replicas: 1,
    cores: 1,
    cpu: lasting(0.004, 0.5),
    pause: lasting(0.002, 0.5),
    workers: 100,
    memoryBytes: 1e8,
    requestBytes: 500,
    responseBytes: 4000,
    errorBytes: 200,
    port: 8080,
    calls: [],
    parallel: false,
    rate: 0,
    ...other,
  };
}

export function callTo(server: string, other: Partial<Call> = {}): Call {
  return { server, each: 1, timeout: 1, retries: 0, needed: true, ...other };
}

/** web -> cart -> cart-db, fifty visitors a second all day. */
export function smallShop({
  cart = {},
  call = {},
  database = {},
}: { cart?: Partial<ShopService>; call?: Partial<Call>; database?: Partial<ShopService> } = {}): Topology {
  return {
    services: [
      shopService('web', 'entry', { rate: 50, replicas: 2, calls: [callTo('cart', call)] }),
      shopService('cart', 'service', { calls: [callTo('cart-db')], ...cart }),
      shopService('cart-db', 'database', database),
    ],
    day: { night: 1, peakHour: 12 },
  };
}

const NO_EVENTS: Events = { deploys: [], expiries: [], bursts: [], backups: [] };

/** What a service did over the last steps, without the first minutes. */
export interface Lived {
  /** Requests that it answered, per second. */
  readonly rate: number;
  /** Mean seconds of them. */
  readonly seconds: number;
  readonly cores: number;
  readonly failedShare: number;
  /** Per second, at its callers. */
  readonly unanswered: number;
  readonly refused: number;
  /** Requests per second by pod, in order of appearance. */
  readonly byPod: readonly number[];
}

/** Lives through some minutes of a shop. @returns what any of its services did in the last ones */
export function live(
  topology: Topology,
  {
    faults = [],
    events = {},
    minutes = 30,
    seed = 1,
  }: { faults?: readonly Trouble[]; events?: Partial<Events>; minutes?: number; seed?: number } = {},
): { readonly simulation: Simulation; readonly of: (service: string, lastMinutes?: number) => Lived } {
  const plan = { topology, faults, events: { ...NO_EVENTS, ...events }, stepSeconds: STEP_SECONDS };
  const simulation = new Simulation(plan, seed);
  for (let time = 0; time < minutes * 60; time += STEP_SECONDS) simulation.step(time);
  return { simulation, of: (service, lastMinutes = 10) => lived(simulation, service, lastMinutes) };
}

function lived({ pods, edges }: Simulation, service: string, minutes: number): Lived {
  const steps = (minutes * 60) / STEP_SECONDS;
  const increase = (name: string, further: Readonly<Record<string, string>> = {}) =>
    [...pods.series, ...edges.series]
      .filter(({ name: of, labels }) => {
        const own = (labels['service'] ?? labels['server_service']) === service;
        return (
          own && of === `lorikeet_${name}` && Object.entries(further).every(([key, value]) => labels[key] === value)
        );
      })
      .map(({ values }) => (values.at(-1) ?? 0) - (values.at(-1 - steps) ?? 0));
  const total = (...of: Parameters<typeof increase>) => increase(...of).reduce((sum, value) => sum + value, 0);
  const seconds = steps * STEP_SECONDS;
  const requests = total('requests_total', { role: 'server' });
  return {
    rate: requests / seconds,
    seconds: total('request_duration_seconds_sum', { role: 'server' }) / requests,
    cores: total('container_cpu_seconds_total') / seconds,
    failedShare: total('http_responses_total', { class: '5xx' }) / requests,
    unanswered: total('edge_unanswered_requests_total') / seconds,
    refused: total('edge_connect_failures_total') / seconds,
    byPod: increase('requests_total', { role: 'server' }).map((value) => value / seconds),
  };
}
