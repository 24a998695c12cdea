import { defineCommand, print } from '../../daemon/command.ts';
import { existsSync } from 'node:fs';
import { cgroupTree, processesIn } from '../controller/cgroup.ts';
import { waitFor } from '../protocol/condition.ts';
import { CONTROLLER, Instance, requireRoot } from '../controller/instance.ts';
import { SimError } from '../protocol/error.ts';
import { SIM_FLAGS } from './flags.ts';

/** A controller ends its simulation within 5 s, or is ended. */
const PATIENCE_MS = { term: 8000, kill: 5000 };

export const down = defineCommand({
  usage: 'down [flags]',
  summary: 'Ends a simulation and removes all of it, whatever state it is in.',
  flags: SIM_FLAGS,
  async run(flags) {
    requireRoot();
    const instance = new Instance(flags.name, flags['state.dir']);
    const present = cgroupTree(instance.cgroupPath()).length > 0 || existsSync(instance.stateDir);
    const lock = await takeOver(instance);
    try {
      await instance.removeProcesses();
      instance.removeStateDir();
    } finally {
      lock.close();
    }
    print(`${instance.name}: ${present ? 'down' : 'was not up'}\n`);
  },
});

/** Holds the lock after the controller, if there is one, has ended: asked at first, killed if it doesn't. */
async function takeOver(instance: Instance) {
  for (const [signal, patience] of [
    ['SIGTERM', PATIENCE_MS.term],
    ['SIGKILL', PATIENCE_MS.kill],
  ] as const) {
    const asked = new Set<number>();
    const lock = await waitFor(() => {
      // In the loop, because a controller that has just begun enters its cgroup only later.
      for (const pid of processesIn(instance.cgroupPath(CONTROLLER))) {
        if (!asked.has(pid)) send(pid, signal);
        asked.add(pid);
      }
      return instance.lock();
    }, patience);
    if (lock !== undefined) return lock;
  }
  throw new SimError(`${instance.name}: its controller doesn't end`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
