import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { StopStack } from '../../daemon/lifecycle.ts';
import { connectSim, type SimClient } from '../../microsim/controller/client.ts';
import type { FaultType } from '../../microsim/protocol/fault.ts';
import { program } from './stack.ts';

const run = promisify(execFile);

export interface RunningSim {
  /** Of each service one name, whatever its replicas. */
  readonly services: readonly string[];
  /** For `lorikeet-exporter --targets.file`. */
  readonly targetsFile: string;
  readonly client: SimClient;
  /** @param replica a service, or one of its replicas */
  fault(replica: string, type: string): Promise<void>;
  clearFault(): Promise<void>;
}

/**
 * Starts a simulation for this process and registers its stop.
 *
 * @param flags of `lorikeet-sim up`, such as `--seed=5`
 */
export async function startSim(folder: string, stops: StopStack, flags: readonly string[] = []): Promise<RunningSim> {
  const stateDir = join(folder, 'sim');
  const instance = [`--name=demo-${process.pid}`, `--state.dir=${stateDir}`];
  const sim = async (command: string, ...given: readonly string[]) =>
    void (await run(process.execPath, [program('lorikeet-sim'), command, ...instance, ...given]));
  // Before `up`, which may fail half-way: `down` removes all of it in any state.
  stops.onStop('simulated system', () => sim('down'));
  await sim('up', ...flags);
  const client = connectSim(stateDir);
  const status = await client.status();
  return {
    services: [...new Set(Object.entries(status.services).map(([name, { replica_of: service }]) => service ?? name))],
    targetsFile: status.targets_file,
    client,
    fault: async (replica, type) => void (await client.fault(replica, type as FaultType)),
    clearFault: async () => void (await client.clearFault()),
  };
}
