import { waitFor } from '../protocol/condition.ts';
import {
  faultBody,
  isInternal,
  isNetworkFault,
  type Fault,
  type FaultType,
  type NetworkFaultType,
} from '../protocol/fault.ts';
import { SimError } from '../protocol/error.ts';
import { requestJson } from '../protocol/json-http.ts';
import type { ActiveFault, ServiceStats } from '../protocol/status.ts';
import type { NetworkFault } from '../network-faults/network-fault.ts';
import type { SupervisedProcess } from './supervised-process.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/** Injects a fault into the network of a service. @throws FaultUnavailableError */
export type StartNetworkFault = (
  service: string,
  fault: Fault & { readonly type: NetworkFaultType },
) => Promise<NetworkFault>;

export interface FaultTargets {
  /** The process of each replica; one of a service alone has its name. */
  readonly replicas: ReadonlyMap<string, SupervisedProcess>;
  readonly services: readonly string[];
}

/** Injects a fault into one replica at a time, and clears it. Operations run one after another. */
export class FaultSwitch {
  readonly #targets: FaultTargets;
  readonly #probe: (service: string) => Promise<void>;
  readonly #startNetworkFault: StartNetworkFault;
  #network: NetworkFault | undefined;
  #active: ActiveFault | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param probe rejects unless the service answers a request. */
  constructor(targets: FaultTargets, probe: (service: string) => Promise<void>, networkFault: StartNetworkFault) {
    this.#targets = targets;
    this.#probe = probe;
    this.#startNetworkFault = networkFault;
  }

  get active(): ActiveFault | null {
    return this.#active;
  }

  /** @throws SimError if the service does not exist or is not running, or a fault is already active. */
  inject(service: string, fault: Fault): Promise<void> {
    return this.#alone(async () => {
      const child = this.#find(service);
      if (this.#active !== null) {
        throw new SimError(`${this.#active.service} already has a fault (${this.#active.type}): clear it first`);
      }
      if (child.state !== 'running') throw new SimError(`${service} is ${child.state}`);
      if (fault.callee !== undefined) this.#checkCallee(fault.type, fault.callee);
      this.#active = { service, ...fault, since: new Date().toISOString() };
      try {
        await this.#show(service, child, fault);
      } catch (error) {
        this.#active = null;
        throw error;
      }
    });
  }

  /**
   * Restores normal operation and returns the cleared fault; null if there was none.
   *
   * @throws SimError if the service does not answer afterwards.
   */
  lift(): Promise<ActiveFault | null> {
    return this.#alone(async () => {
      const active = this.#active;
      if (active === null) return null;
      await this.#network?.stop();
      this.#network = undefined;
      await hide(this.#find(active.service), active);
      this.#active = null;
      const answers = await waitFor(() => this.#answers(active.service), ANSWER_TIMEOUT_MS);
      if (answers === undefined)
        throw new SimError(`${active.service} does not answer after ${active.type} was cleared`);
      return active;
    });
  }

  /** Injects the fault again into a process that was restarted. */
  async reapply(service: string): Promise<void> {
    // A network fault is in the namespace, which is still the same.
    if (this.#active?.service !== service || isNetworkFault(this.#active.type)) return;
    await show(this.#find(service), this.#active);
  }

  async #show(service: string, child: SupervisedProcess, fault: Fault): Promise<void> {
    const { type } = fault;
    if (isNetworkFault(type)) this.#network = await this.#startNetworkFault(service, { ...fault, type });
    else await show(child, fault);
  }

  #find(service: string): SupervisedProcess {
    const child = this.#targets.replicas.get(service);
    if (child !== undefined) return child;
    throw noSuchService(service, [...this.#targets.replicas.keys()]);
  }

  /** A network fault is about the address of one replica, any other about the service that is called. */
  #checkCallee(type: FaultType, callee: string): void {
    const known = isNetworkFault(type) ? [...this.#targets.replicas.keys()] : this.#targets.services;
    if (!known.includes(callee)) throw noSuchService(callee, known);
  }

  async #answers(service: string): Promise<boolean> {
    try {
      await this.#probe(service);
      return true;
    } catch {
      return false;
    }
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    // Only the caller gets a failure; the next operation just waits for the end.
    this.#last = done.catch(() => undefined);
    return done;
  }
}

function noSuchService(name: string, known: readonly string[]): SimError {
  return new SimError(`no such service: ${name}; there are ${known.join(', ')}`);
}

async function show(child: SupervisedProcess, fault: Fault): Promise<void> {
  if (fault.type === 'pause') child.pause();
  else if (fault.type === 'crash') await child.crash();
  else await requestJson(child.place.admin, 'POST /fault', faultBody(fault));
}

async function hide(child: SupervisedProcess, { type }: Fault): Promise<void> {
  if (type === 'pause' && child.state === 'paused') child.resume();
  if (type === 'crash') await child.start();
  // A process that is being restarted starts without the fault.
  if (!isInternal(type) || child.state !== 'running') return;
  const { fault, listening, leaked_mb } = (await requestJson(child.place.admin, 'DELETE /fault')) as ServiceStats;
  if (fault !== null || !listening || leaked_mb > 0)
    throw new SimError(`${child.place.name} could not clear its fault`);
}
