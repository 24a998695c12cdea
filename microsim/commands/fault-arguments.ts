import { UsageError, type NumberFlag, type StringFlag } from '../../daemon/flags.ts';
import {
  FAULT_ARGUMENTS,
  FAULT_HELP,
  FAULT_TYPES,
  FaultError,
  parseFault,
  takesCallee,
  type Fault,
  type FaultType,
} from '../protocol/fault.ts';

/** One flag for each argument of any type, with the help text of each type. */
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

const CALLEE: StringFlag = {
  type: 'string',
  help: `Only the edge to this service, for ${FAULT_TYPES.filter(takesCallee).join(', ')}. Default: all edges.`,
};

/** The flags of every argument. */
export const ARGUMENTS = { callee: CALLEE, ...argumentFlags() };

/** A help text with one line for each of `types`. */
export function describeTypes(types: readonly FaultType[]): string {
  const width = Math.max(...types.map((type) => type.length));
  return `Types:\n${types.map((type) => `  ${type.padEnd(width)}  ${FAULT_HELP[type]}`).join('\n')}`;
}

/** The fault in a command line. @throws UsageError */
export function faultOf(type: string, flags: Readonly<Record<string, unknown>>): Fault {
  const given = Object.keys(ARGUMENTS).filter((name) => flags[name] !== undefined);
  try {
    return parseFault(type, Object.fromEntries(given.map((name) => [name, flags[name]])));
  } catch (error) {
    throw error instanceof FaultError ? new UsageError(error.message) : error;
  }
}
