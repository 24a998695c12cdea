import { Random } from '../../../../scorer/numeric/random.ts';
import type { Events } from '../faults/draw-events.ts';
import { effectsAt, type Trouble } from '../faults/fault.ts';
import { poisson } from '../laws/counts.ts';
import { dailyShape, Wander } from '../laws/traffic.ts';
import { addEdge } from '../series/edge-counts.ts';
import { addPod } from '../series/pod-counts.ts';
import { Store } from '../series/store.ts';
import { HASH_CHARACTERS } from '../topology/names.ts';
import type { ShopService, Topology } from '../topology/topology.ts';
import { answerRequests, type Step } from './answer.ts';
import { callOthers } from './load.ts';
import { Replica } from './replica.ts';
import { CallState, ServiceState, speaksHttp } from './state.ts';

const HOUR = 3600;
const DAY = 24 * HOUR;
/** From the replacement of one replica to that of the next one, seconds. */
const ROLLING_SECONDS = 60;
const PODS_PER_NODE = 12;
/** Of a cache when all its entries have expired. */
const EXPIRED = 0.1;
/** Born before the recording, so that it is warm. */
const LONG_AGO = -DAY;

export interface SimulationPlan {
  readonly topology: Topology;
  readonly events: Events;
  readonly faults: readonly Trouble[];
  /** Length of a step, which is the scrape interval. */
  readonly stepSeconds: number;
}

/** A shop in virtual time, with what a Prometheus has scraped from it. The same plan and seed give the same samples. */
export class Simulation {
  readonly pods = new Store();
  readonly edges = new Store();
  readonly #plan: SimulationPlan;
  readonly #random: Random;
  readonly #services: readonly ServiceState[];
  readonly #visitors: ReadonlyMap<string, Wander>;
  readonly #nodes: readonly Wander[];

  constructor(plan: SimulationPlan, seed: number) {
    this.#plan = plan;
    this.#random = new Random(seed);
    const { topology, events, faults, stepSeconds } = plan;
    const nodes = Math.ceil(topology.services.reduce((sum, { replicas }) => sum + replicas, 0) / PODS_PER_NODE);
    this.#nodes = Array.from({ length: nodes }, () => new Wander(this.#random, 0.03, 900, stepSeconds));
    const troubles = [...faults, ...events.backups];
    this.#services = topology.services.map((service) => {
      const own = troubles.filter((trouble) => trouble.service === service.name);
      const revision = this.#hash(9);
      const replicas = Array.from({ length: service.replicas }, (_, index) => this.#start(service, revision, index));
      return new ServiceState(service, own, replicas);
    });
    this.#link();
    const entries = topology.services.filter(({ kind }) => kind === 'entry');
    this.#visitors = new Map(entries.map(({ name }) => [name, new Wander(this.#random, 0.06, 1200, stepSeconds)]));
  }

  /** Simulates the step that begins at `time`, seconds since the start, and scrapes at its end. */
  step(time: number): void {
    const { stepSeconds } = this.#plan;
    const step: Step = { time, seconds: stepSeconds, slowdowns: this.#nodes.map((node) => node.next()) };
    this.#happen(time);
    for (const state of this.#services) this.#begin(state, time);
    for (const state of this.#services) {
      if (state.service.kind !== 'worker') state.own = this.#ownRequests(state.service, time);
      callOthers(this.#random, state, stepSeconds);
    }
    for (const state of this.#services.toReversed()) answerRequests(this.#random, state, step);
    this.pods.scrape();
    this.edges.scrape();
  }

  #link(): void {
    const byName = new Map(this.#services.map((state) => [state.service.name, state]));
    for (const client of this.#services) {
      for (const call of client.service.calls) {
        const server = byName.get(call.server)!;
        const counts = addEdge(this.edges, client.service.name, call.server, server.service.port);
        const state = new CallState(call, client, server, counts);
        client.calls.push(state);
        server.incoming.push(state);
      }
    }
  }

  /** Deploys and expiries of this step. */
  #happen(time: number): void {
    const { events, stepSeconds } = this.#plan;
    const isNow = (at: number) => at >= time && at < time + stepSeconds;
    for (const { service, at } of events.deploys) {
      const state = this.#services.find((one) => one.service.name === service)!;
      for (const index of state.replicas.keys()) {
        if (isNow(at + index * ROLLING_SECONDS)) this.#replace(state, index, at, time);
      }
    }
    for (const { cache, at } of events.expiries) {
      const state = this.#services.find((one) => one.service.name === cache)!;
      if (isNow(at)) state.filled = Math.min(state.filled, EXPIRED);
    }
  }

  #replace(state: ServiceState, index: number, deployed: number, time: number): void {
    const revision = `${deployed}`.replaceAll(/./g, (digit) => HASH_CHARACTERS[Number(digit)]!);
    state.replicas[index]!.pod.end();
    state.replicas[index] = this.#start(state.service, revision, index, time);
  }

  #start(service: ShopService, revision: string, index: number, born = LONG_AGO): Replica {
    const { name } = service;
    // A pod of a database, a cache or a queue keeps its name.
    const isStateful = !speaksHttp(service);
    const node = Math.floor(this.#random.uniform() * this.#nodes.length);
    const pod = addPod(this.pods, {
      service: name,
      pod: isStateful ? `${name}-${index}` : `${name}-${revision}-${this.#hash(5)}`,
      node: `node-${node + 1}`,
      workloadKind: isStateful ? 'StatefulSet' : 'Deployment',
      speaksHttp: !isStateful,
    });
    const nature = { period: 300 + 900 * this.#random.uniform(), phase: this.#random.uniform() };
    return new Replica(service, pod, node, nature, born);
  }

  #begin(state: ServiceState, time: number): void {
    for (const [index, replica] of state.replicas.entries()) {
      const isNew = replica.begin(effectsAt(state.troubles, index, time), time);
      // A cache that has restarted is empty.
      if (isNew && state.service.kind === 'cache') state.filled = 0;
      replica.pod.counts.server.active = 0;
      replica.pod.counts.client.active = 0;
      if (!replica.isUp) replica.pod.counts.memoryBytes = 0;
    }
  }

  /** Requests from outside of the shop, and work of a job. */
  #ownRequests({ name, kind, rate, runs }: ShopService, time: number): number {
    const { topology, events, stepSeconds } = this.#plan;
    if (kind === 'job' && runs !== undefined) {
      const since = (time - runs.from) % runs.every;
      return since >= 0 && since < runs.lasting ? poisson(this.#random, rate * stepSeconds) : 0;
    }
    const visitors = this.#visitors.get(name);
    if (visitors === undefined) return 0;
    const burst = events.bursts.find(({ entry, from, to }) => entry === name && time >= from && time < to)?.factor ?? 1;
    const load = dailyShape(topology.day, time / HOUR) * visitors.next() * burst;
    return poisson(this.#random, rate * load * stepSeconds);
  }

  #hash(length: number): string {
    const one = () => HASH_CHARACTERS[Math.floor(this.#random.uniform() * HASH_CHARACTERS.length)]!;
    return Array.from({ length }, one).join('');
  }
}
