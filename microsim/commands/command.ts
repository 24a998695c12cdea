import { COMMON_FLAGS, UsageError, parseFlags, renderHelp, type FlagValues, type Flags } from '../../daemon/flags.ts';
import type { ProgramContext } from '../../daemon/lifecycle.ts';
import packageJson from '../../package.json' with { type: 'json' };

/** The flags of every command. */
export const SIM_FLAGS = {
  name: { type: 'string', default: 'web-shop', help: 'Name of the instance; several run side by side.' },
  'state.dir': {
    type: 'string',
    help: 'Directory of its socket, targets file and logs. Default: /run/lorikeet-sim/<name>',
  },
  ...COMMON_FLAGS,
} as const satisfies Flags;

export interface Command {
  readonly summary: string;
  /** @returns the exit status, 0 when void. */
  execute(context: ProgramContext): Promise<number | void>;
}

export interface CommandSpec<T extends Flags> {
  readonly usage: string;
  readonly summary: string;
  readonly flags: T;
  /** How many words follow the command. */
  readonly words: readonly [least: number, most: number];
  run(values: FlagValues<T>, words: readonly string[], context: ProgramContext): Promise<number | void>;
}

/** A command with its own flags, `--help` and `--version` included. */
export function defineCommand<const T extends Flags>(spec: CommandSpec<T & typeof COMMON_FLAGS>): Command {
  return {
    summary: spec.summary,
    async execute(context) {
      const { values, positionals } = parseFlags(context.argv.slice(1), spec.flags);
      if (values.help === true) return print(renderHelp(`lorikeet-sim ${spec.usage}\n\n${spec.summary}`, spec.flags));
      if (values.version === true) return print(version());
      const [least, most] = spec.words;
      if (positionals.length < least || positionals.length > most) {
        throw new UsageError(`usage: lorikeet-sim ${spec.usage}`);
      }
      return spec.run(values, positionals, context);
    },
  };
}

export function version(): string {
  return `lorikeet-sim ${packageJson.version}\n`;
}

/** Writes to standard output, where a command's result goes. */
export function print(text: string): void {
  process.stdout.write(text);
}
