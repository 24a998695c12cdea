import { defineCommand, print } from '../../daemon/command.ts';
import { FAULT_TYPES, describeFaultArgs, faultBody } from '../protocol/fault.ts';
import { UsageError } from '../../daemon/flags.ts';
import { connectSim } from '../controller/client.ts';
import { Instance } from '../controller/instance.ts';
import { SIM_FLAGS } from './flags.ts';
import { ARGUMENTS, describeTypes, faultOf } from './fault-arguments.ts';

export const fault = defineCommand({
  usage: 'fault <service> <type> [--<argument>=...] | fault --clear',
  summary: 'Inject a fault into one service, or clear it.',
  details: describeTypes(FAULT_TYPES),
  flags: { clear: { type: 'boolean', help: 'Clear the fault.' }, ...ARGUMENTS, ...SIM_FLAGS },
  words: [0, 2],
  async run(flags, [service, type]) {
    const sim = connectSim(new Instance(flags.name, flags['state.dir']).stateDir);
    if (flags.clear) {
      if (service !== undefined) throw new UsageError('--clear takes no service');
      const { fault: before } = await sim.status();
      await sim.clearFault();
      return print(before === null ? 'no active fault\n' : `${before.service}: ${before.type} cleared\n`);
    }
    if (service === undefined || type === undefined) throw new UsageError('expected a service and a fault type');
    const parsed = faultOf(type, flags);
    await sim.fault(service, parsed.type, faultBody(parsed));
    return print(`${service}: ${parsed.type} ${describeFaultArgs(parsed.args, parsed.callee)}`.trimEnd().concat('\n'));
  },
});
