import { join } from 'node:path';
import type { FaultType } from '../protocol/fault.ts';
import { SimError } from '../protocol/error.ts';
import { JsonHttpError, requestJson } from '../protocol/json-http.ts';
import type { SimStatus } from '../protocol/status.ts';
import type { LoadChange } from '../topology/topology.ts';

/** Client for a running simulation. Every call returns the state after it. */
export interface SimClient {
  status(): Promise<SimStatus>;
  /** @param args as in `FAULT_ARGUMENTS`, and `callee`; missing ones get their default. */
  fault(service: string, type: FaultType, args?: Readonly<Record<string, number | string>>): Promise<SimStatus>;
  /** Resolves when the service answers again; immediately if there is no active fault. */
  clearFault(): Promise<SimStatus>;
  load(change: LoadChange): Promise<SimStatus>;
}

/** Milliseconds. Clearing a fault may start a process and wait until it answers. */
const TIMEOUT_MS = 40_000;

/**
 * Opens no connection: each call makes its own, so it works after a restart of the simulation.
 * Calls reject with a SimError, for example "not running".
 *
 * @example await connectSim('/run/lorikeet-sim/web-shop').fault('cart', 'latency', { delay: 300 })
 */
export function connectSim(stateDir: string): SimClient {
  const call = async (what: string, body?: unknown): Promise<SimStatus> => {
    try {
      return (await requestJson(join(stateDir, 'api.sock'), what, body, TIMEOUT_MS)) as SimStatus;
    } catch (error) {
      if (error instanceof JsonHttpError) throw new SimError(error.message);
      throw new SimError(`${stateDir}: not running`, { cause: error });
    }
  };
  return {
    status: () => call('GET /status'),
    fault: (service, type, args = {}) => call('POST /fault', { service, type, ...args }),
    clearFault: () => call('DELETE /fault'),
    load: (change) => call('POST /load', change),
  };
}
