import { CHANNELS, type FeatureSet } from '../../scorer/features/features.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { History } from '../../scorer/fleet/history.ts';
import { edgeKey, serviceKey } from '../../scorer/identity/service-key.ts';
import type { EdgeMinute, ServiceMinute, ShopMinute } from './world.ts';

export const NAMESPACE = 'shop';

export function keyOf(service: string): string {
  return serviceKey({ namespace: NAMESPACE, service });
}

/** A feature's value over the minutes of a window; NaN if it has none. */
type Expression<Minute> = (minutes: readonly Minute[]) => number;
type Figure<Minute> = (minute: Minute) => number;

function total<Minute>(minutes: readonly Minute[], figure: Figure<Minute>): number {
  return minutes.reduce((sum, minute) => sum + figure(minute), 0);
}

function mean<Minute>(figure: Figure<Minute>): Expression<Minute> {
  return (minutes) => total(minutes, figure) / minutes.length;
}

function rate<Minute>(figure: Figure<Minute>): Expression<Minute> {
  return (minutes) => total(minutes, figure) / (minutes.length * 60);
}

/** One sum by another, as `rate(a) / (rate(b) > 0)`. */
function ratio<Minute>(of: Figure<Minute>, by: Figure<Minute>): Expression<Minute> {
  return (minutes) => (total(minutes, by) > 0 ? total(minutes, of) / total(minutes, by) : NaN);
}

/** The expressions of features.yaml, over sums of minutes: a mean by minute, by second, or one sum by another. */
const OF_SERVICES: Readonly<Record<string, Expression<ServiceMinute>>> = {
  request_rate: rate(({ requests }) => requests),
  request_latency: ratio(
    ({ seconds }) => seconds,
    ({ requests }) => requests,
  ),
  request_latency_p90: ratio(
    ({ p90, requests }) => (requests > 0 ? p90 * requests : 0),
    ({ requests }) => requests,
  ),
  call_rate: rate(({ calls }) => calls),
  call_latency: ratio(
    ({ callSeconds }) => callSeconds,
    ({ calls }) => calls,
  ),
  calls_per_request: ratio(
    ({ calls }) => calls,
    ({ requests }) => requests,
  ),
  received_bytes_per_request: ratio(
    ({ receivedBytes }) => receivedBytes,
    ({ requests }) => requests,
  ),
  sent_bytes_per_request: ratio(
    ({ sentBytes }) => sentBytes,
    ({ requests }) => requests,
  ),
  connections_active: mean(({ connections }) => connections),
  connections_opened_rate: rate(({ opened }) => opened),
  connect_failure_rate: rate(({ connectFailures }) => connectFailures),
  called_latency: ratio(
    ({ calledSeconds }) => calledSeconds,
    ({ requests }) => requests,
  ),
  called_failure_rate: rate(({ calledFailures }) => calledFailures),
  requests_in_flight: rate(({ seconds }) => seconds),
  cpu_cores: rate(({ cpuSeconds }) => cpuSeconds),
  cpu_seconds_per_request: ratio(
    ({ cpuSeconds }) => cpuSeconds,
    ({ requests }) => requests,
  ),
  memory_bytes: mean(({ memoryBytes }) => memoryBytes),
};

const OF_EDGES: Readonly<Record<string, Expression<EdgeMinute>>> = {
  request_rate: rate(({ requests }) => requests),
  request_latency: ratio(
    ({ seconds }) => seconds,
    ({ requests }) => requests,
  ),
  received_bytes_per_request: ratio(
    ({ receivedBytes }) => receivedBytes,
    ({ requests }) => requests,
  ),
  failure_rate: rate(({ failures }) => failures),
};

/** Turns minutes into features, over the three windows, and keeps them all: what Prometheus would have recorded. */
export class Recording {
  readonly #set: FeatureSet;
  readonly #minutes: ShopMinute[] = [];
  readonly #services = new Map<string, History>();
  readonly #edges = new Map<string, History>();
  readonly #capacity: number;

  /** @throws Error if the shop has no such feature */
  constructor(set: FeatureSet, capacity: number) {
    for (const { name } of set.features) if (OF_SERVICES[name] === undefined) throw new Error(`no feature ${name}`);
    for (const { name } of set.edges) if (OF_EDGES[name] === undefined) throw new Error(`no feature ${name} of edges`);
    this.#set = set;
    this.#capacity = capacity;
  }

  /** Adds the minute that ends at `step`. */
  add(step: number, minute: ShopMinute, into: Fleet): void {
    this.#minutes.push(minute);
    const { features, edges } = this.#set;
    for (const service of minute.services.keys()) {
      const rows = this.#windows(({ services }) => services.get(service));
      const row = CHANNELS.flatMap((_, channel) => features.map(({ name }) => OF_SERVICES[name]!(rows[channel]!)));
      this.#put(this.#services, into.services, keyOf(service), step, row);
    }
    for (const [client, callees] of minute.edges) {
      for (const server of callees.keys()) {
        const [window] = this.#windows((of) => of.edges.get(client)?.get(server));
        const key = edgeKey({ namespace: NAMESPACE, service: client }, { namespace: NAMESPACE, service: server });
        const row = edges.map(({ name }) => OF_EDGES[name]!(window!));
        this.#put(this.#edges, into.edges, key, step, row);
      }
    }
  }

  /** A copy of what was recorded from `from` to `to`. */
  copy(from: number, to: number): Fleet {
    const fleet = new Fleet(this.#set, MINUTE_MS, to - from + 1);
    copyAll(this.#services, fleet.services, from, to);
    copyAll(this.#edges, fleet.edges, from, to);
    return fleet;
  }

  #windows<Minute>(pick: (minute: ShopMinute) => Minute | undefined): Minute[][] {
    return this.#set.windows.map((windowMs) => {
      const minutes = this.#minutes.slice(-windowMs / MINUTE_MS);
      return minutes.map(pick).filter((minute) => minute !== undefined);
    });
  }

  #put(own: Map<string, History>, live: Map<string, History>, key: string, step: number, row: readonly number[]): void {
    for (const [into, capacity] of [
      [own, this.#capacity],
      [live, LIVE_STEPS],
    ] as const) {
      const history = into.get(key) ?? new History(row.length, capacity);
      into.set(key, history);
      for (const [column, value] of row.entries()) history.put(step, column, value);
    }
  }
}

const MINUTE_MS = 60_000;
/** More than the largest lag. */
export const LIVE_STEPS = 60;

function copyAll(source: ReadonlyMap<string, History>, into: Map<string, History>, from: number, to: number): void {
  for (const [key, history] of source) {
    const copied = new History(history.width, to - from + 1);
    for (let step = from; step <= to; step++) {
      const row = history.row(step);
      for (let column = 0; column < history.width; column++) copied.put(step, column, row?.[column] ?? NaN);
    }
    if (copied.newest !== undefined) into.set(key, copied);
  }
}
