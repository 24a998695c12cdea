import { type Flags, LOG_FLAGS } from '../../daemon/flags.ts';

/** The flags of every command that speaks to a simulation. */
export const SIM_FLAGS = {
  name: { type: 'string', default: 'web-shop', help: 'Name of the instance; several run side by side.' },
  'state.dir': {
    type: 'string',
    help: 'Directory of its socket, targets file and logs. Default: /run/lorikeet-sim/<name>',
  },
  ...LOG_FLAGS,
} as const satisfies Flags;
