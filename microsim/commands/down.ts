import { defineCommand, print } from '../../daemon/command.ts';
import { existsSync } from 'node:fs';
import { cgroupTree, processesIn } from '../controller/cgroup.ts';
import { waitFor } from '../protocol/condition.ts';
import { CONTROLLER, Instance, requireRoot } from '../controller/instance.ts';
import { SimError } from '../protocol/error.ts';
import { SIM_FLAGS } from './flags.ts';

/** A controller stops its simulation within 5 s; after this time it is killed. */
const PATIENCE_MS = { term: 8000, kill: 5000 };

export const down = defineCommand({
  usage: 'down [flags]',
  summary: 'Stop a simulation and remove all of it, in any state.',
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
    print(`${instance.name}: ${present ? 'stopped' : 'not running'}\n`);
  },
});

/** Takes the lock after the controller has ended: sends it SIGTERM first, SIGKILL later. */
async function takeOver(instance: Instance) {
  for (const [signal, patience] of [
    ['SIGTERM', PATIENCE_MS.term],
    ['SIGKILL', PATIENCE_MS.kill],
  ] as const) {
    const asked = new Set<number>();
    const lock = await waitFor(() => {
      // In the loop, because a controller enters its cgroup only some time after its start.
      for (const pid of processesIn(instance.cgroupPath(CONTROLLER))) {
        if (!asked.has(pid)) send(pid, signal);
        asked.add(pid);
      }
      return instance.lock();
    }, patience);
    if (lock !== undefined) return lock;
  }
  throw new SimError(`${instance.name}: its controller does not stop`);
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
