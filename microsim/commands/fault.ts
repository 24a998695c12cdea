import { FAULT_ARGUMENTS, FAULT_TYPES, FaultError, describeFaultArgs, parseFault, type Fault } from '../fault.ts';
import { UsageError, type NumberFlag } from '../../daemon/flags.ts';
import { connectSim } from '../client.ts';
import { Instance } from '../instance.ts';
import { SIM_FLAGS, defineCommand, print } from './command.ts';

/** One flag for each argument of any type, with what it means for each. */
function argumentFlags(): Record<string, NumberFlag> {
  const flags: Record<string, NumberFlag> = {};
  for (const type of FAULT_TYPES) {
    for (const [name, { help, default: absent }] of Object.entries(FAULT_ARGUMENTS[type])) {
      const text = `${type}: ${help} (${absent})`;
      flags[name] = { type: 'number', help: flags[name] === undefined ? text : `${flags[name].help}; ${text}` };
    }
  }
  return flags;
}

const ARGUMENTS = argumentFlags();

export const fault = defineCommand({
  usage: 'fault <service> <type> [--<argument>=...] | fault --clear',
  summary: `Puts a service out of order, one at a time, or back in. Types: ${FAULT_TYPES.join(', ')}.`,
  flags: { clear: { type: 'boolean', help: 'Lift the fault.' }, ...ARGUMENTS, ...SIM_FLAGS },
  words: [0, 2],
  async run(flags, [service, type]) {
    const sim = connectSim(new Instance(flags.name, flags['state.dir']).stateDir);
    if (flags.clear) {
      if (service !== undefined) throw new UsageError('--clear takes no service');
      const { fault: before } = await sim.status();
      await sim.clearFault();
      return print(before === null ? 'no fault to lift\n' : `${before.service}: ${before.type} lifted\n`);
    }
    if (service === undefined || type === undefined) throw new UsageError('expected a service and a type of fault');
    const values: Readonly<Record<string, unknown>> = flags;
    const given = Object.keys(ARGUMENTS).filter((name) => values[name] !== undefined);
    const parsed = readFault(type, Object.fromEntries(given.map((name) => [name, values[name]])));
    await sim.fault(service, parsed.type, parsed.args);
    return print(`${service}: ${parsed.type} ${describeFaultArgs(parsed.args)}`.trimEnd().concat('\n'));
  },
});

function readFault(type: string, args: Readonly<Record<string, unknown>>): Fault {
  try {
    return parseFault(type, args);
  } catch (error) {
    throw error instanceof FaultError ? new UsageError(error.message) : error;
  }
}
