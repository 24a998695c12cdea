import { waitFor } from '../protocol/condition.ts';
import { isInternal, type Fault } from '../protocol/fault.ts';
import { SimError } from '../protocol/error.ts';
import { requestJson } from '../protocol/json-http.ts';
import type { ActiveFault, ServiceStats } from '../protocol/status.ts';
import type { SupervisedProcess } from './supervised-process.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/** Injects a fault into one service at a time, and clears it. Operations run one after another. */
export class FaultSwitch {
  readonly #services: ReadonlyMap<string, SupervisedProcess>;
  readonly #probe: (service: string) => Promise<void>;
  #active: ActiveFault | null = null;
  #last: Promise<unknown> = Promise.resolve();

  /** @param probe rejects unless the service answers a request. */
  constructor(services: ReadonlyMap<string, SupervisedProcess>, probe: (service: string) => Promise<void>) {
    this.#services = services;
    this.#probe = probe;
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
      this.#active = { service, ...fault, since: new Date().toISOString() };
      try {
        await show(child, fault);
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
    if (this.#active?.service === service) await show(this.#find(service), this.#active);
  }

  #find(service: string): SupervisedProcess {
    const child = this.#services.get(service);
    if (child !== undefined) return child;
    throw new SimError(`no such service: ${service}; there are ${[...this.#services.keys()].join(', ')}`);
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

async function show(child: SupervisedProcess, { type, args }: Fault): Promise<void> {
  if (type === 'pause') child.pause();
  else if (type === 'crash') await child.crash();
  else await requestJson(child.place.admin, 'POST /fault', { type, ...args });
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
