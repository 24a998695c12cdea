import type { Trouble } from '../faults/fault.ts';
import { type Duration, NOTHING } from '../laws/duration.ts';
import type { EdgeCounts } from '../series/edge-counts.ts';
import type { Call, ShopService } from '../topology/topology.ts';
import type { Replica } from './replica.ts';

/** A call between two services, from one step to the next. */
export class CallState {
  readonly call: Call;
  readonly client: ServiceState;
  readonly server: ServiceState;
  readonly counts: EdgeCounts;
  /** Calls for each request at this step. */
  each: number;
  /** Share of the attempts that are expected to fail. */
  failing = 0;
  /** Of a call with all its attempts. */
  duration: Duration = NOTHING;
  /** Attempts of this step that reach the server. */
  arriving = 0;
  /** Attempts of this step whose connection is refused. */
  refused = 0;
  /** Kept-alive connections between each two replicas. */
  pool = 1;

  constructor(call: Call, client: ServiceState, server: ServiceState, counts: EdgeCounts) {
    this.call = call;
    this.client = client;
    this.server = server;
    this.counts = counts;
    this.each = call.each;
  }
}

/** True for all but databases, caches and queues, which have protocols of their own. */
export function speaksHttp({ kind }: ShopService): boolean {
  return kind !== 'database' && kind !== 'cache' && kind !== 'queue';
}

/** A service, from one step to the next. */
export class ServiceState {
  readonly service: ShopService;
  readonly troubles: readonly Trouble[];
  replicas: Replica[];
  readonly calls: CallState[] = [];
  readonly incoming: CallState[] = [];
  /** Requests of this step from outside of the shop, work of a job, or messages that a worker takes. */
  own = 0;
  /** Share of a cache that is filled. */
  filled = 0.9;
  /** Messages in a queue. */
  queued = 0;

  constructor(service: ShopService, troubles: readonly Trouble[], replicas: Replica[]) {
    this.service = service;
    this.troubles = troubles;
    this.replicas = replicas;
  }

  get speaksHttp(): boolean {
    return speaksHttp(this.service);
  }

  get up(): Replica[] {
    return this.replicas.filter(({ isUp }) => isUp);
  }

  /** Share of the connections to it that are refused: those to replicas that have just gone, all if there are no others. */
  get refusing(): number {
    const listed = this.replicas.filter(({ isListed }) => isListed);
    const up = this.up.length;
    return up === 0 ? 1 : 1 - up / listed.length;
  }

  /** Requests of this step. */
  get arrived(): number {
    return this.own + this.incoming.reduce((sum, { arriving }) => sum + arriving, 0);
  }

  /** Requests per second that all replicas can serve. */
  get capacity(): number {
    return this.up.reduce((sum, { capacity }) => sum + capacity, 0);
  }

  get backlog(): number {
    return this.replicas.reduce((sum, { backlog }) => sum + backlog, 0);
  }
}
