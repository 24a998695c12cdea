import { defineCommand, print } from '../../daemon/command.ts';
import { LOG_FLAGS, UsageError } from '../../daemon/flags.ts';
import { renderText } from '../../daemon/secrets/redact.ts';
import { FAULT_TYPES, describeFaultArgs, faultBody, isInternal } from '../protocol/fault.ts';
import { requestJson } from '../protocol/json-http.ts';
import { DEFAULT_ADMIN } from '../protocol/process-config.ts';
import { ARGUMENTS, describeTypes, faultOf } from './fault-arguments.ts';

const INTERNAL = FAULT_TYPES.filter(isInternal);

export const inject = defineCommand({
  usage: 'inject <type> [--<argument>=...] | inject --clear',
  summary: "Inject a fault from within a service's own pod, without a controller, or clear it.",
  details: describeTypes(INTERNAL),
  flags: { clear: { type: 'boolean', help: 'Clear the fault.' }, ...ARGUMENTS, ...LOG_FLAGS },
  words: [0, 1],
  async run(flags, [type]) {
    if (flags.clear) {
      await requestJson(DEFAULT_ADMIN, 'DELETE /fault');
      return print('fault cleared\n');
    }
    if (type === undefined) throw new UsageError('expected a fault type');
    const fault = faultOf(type, flags);
    if (!isInternal(fault.type)) throw new UsageError(`type: expected ${INTERNAL.join(', ')}, got ${renderText(type)}`);
    await requestJson(DEFAULT_ADMIN, 'POST /fault', faultBody(fault));
    return print(`${fault.type} ${describeFaultArgs(fault.args, fault.callee)}`.trimEnd().concat('\n'));
  },
});
