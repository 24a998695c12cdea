import {
  COMMON_FLAGS,
  firstPositional,
  type Flags,
  type FlagValues,
  LOG_FLAGS,
  parseFlags,
  renderHelp,
  UsageError,
} from './flags.ts';
import { aborted, type ProgramContext, type ProgramMain } from './lifecycle.ts';
import { createLogger, type Logger } from './logger.ts';
import { nearest } from './nearest.ts';
import { renderText, renderWord } from './secrets/redact.ts';
import { print } from './streams/print.ts';
import { renderVersion } from './version.ts';

export { print } from './streams/print.ts';

/** A service that a command runs until a signal. Tests start and stop it without a command line. */
export interface App {
  /** Resolves once it is up, or early if `signal` aborts. */
  start(signal: AbortSignal): Promise<void>;
  /** Reloads its files. Rejects if one is invalid, and keeps the last valid state. */
  reload?(): void | Promise<void>;
  /** Idempotent. Also cleans up after a failed start. */
  stop(): Promise<void>;
}

/** A valid file, printed by `--config.check` as `<path>: valid, <summary>`. */
export interface CheckedFile {
  readonly path: string;
  readonly summary: string;
}

export interface CommandSpec<T extends Flags> {
  /** Follows the program's name, such as `train [flags]`. */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  /** Printed by `--help` below the summary. */
  readonly details?: string;
  /** Its own flags; `--help`, `--version` and, with `check`, `--config.check` are added. */
  readonly flags: T;
  /** Number of positional arguments. Default: none. */
  readonly words?: readonly [min: number, max: number];
  /** `--config.check`: reads the files set by flags, without side effects. @throws ConfigError, UsageError */
  readonly check?: (values: FlagValues<T>) => readonly CheckedFile[];
  /** @returns the exit status, 0 when void. */
  readonly run: (values: FlagValues<T>, words: readonly string[], context: ProgramContext) => Promise<number | void>;
}

export interface Command {
  readonly usage: string;
  readonly summary: string;
  readonly flags: Flags;
  /** @param argv the arguments after the command's name */
  execute(argv: readonly string[], context: ProgramContext): Promise<number | void>;
}

const CHECK_FLAG = {
  'config.check': { type: 'boolean', help: 'Check the configuration files and exit.' },
} as const satisfies Flags;

/**
 * A command with its flags.
 *
 * @example defineCommand({ usage: 'rules [flags]', summary: 'render the rules', flags: FLAGS, run: async (values) => ... })
 */
export function defineCommand<const T extends Flags>(spec: CommandSpec<T>): Command {
  const { usage, summary, details, words: [min, max] = [0, 0], check } = spec;
  const about = details === undefined ? summary : `${summary}\n\n${details}`;
  const flags: Flags = { ...spec.flags, ...(check !== undefined && CHECK_FLAG), ...COMMON_FLAGS };
  return {
    usage,
    summary,
    flags,
    async execute(argv, context) {
      const { values, positionals } = parseFlags(argv, flags);
      const own = values as FlagValues<T>;
      if (values['help'] === true) return print(renderHelp(`${context.name} ${usage}\n\n${about}`, flags));
      if (values['version'] === true) return print(renderVersion(context.name));
      if (positionals.length > max) throw new UsageError(`unexpected argument ${renderText(positionals[max] ?? '')}`);
      if (positionals.length < min) throw new UsageError(`usage: ${context.name} ${usage}`);
      if (values['config.check'] === true) return print((check?.(own) ?? []).map(renderChecked).join(''));
      return spec.run(own, positionals, context);
    },
  };
}

function renderChecked({ path, summary }: CheckedFile): string {
  return `${path}: valid, ${summary}\n`;
}

export interface ProgramSpec {
  readonly commands: Readonly<Record<string, Command>>;
  /** The command to run if none is named. Default: naming one is required. */
  readonly unnamed?: Command;
}

/** A program with several commands. Flags may precede or follow the command. */
export function defineProgram({ commands, unnamed }: ProgramSpec): ProgramMain {
  const all = [...Object.values(commands), ...(unnamed === undefined ? [] : [unnamed])];
  const flags: Flags = {
    ...Object.fromEntries(all.flatMap((command) => Object.entries(command.flags))),
    ...COMMON_FLAGS,
  };
  const names = Object.keys(commands);
  return async (context) => {
    const { argv, name } = context;
    const at = firstPositional(argv, flags);
    const word = at === undefined ? undefined : argv[at];
    if (word !== undefined && Object.hasOwn(commands, word)) {
      return commands[word]!.execute([...argv.slice(0, at), ...argv.slice(at! + 1)], context);
    }
    if (word === undefined && unnamed !== undefined) return unnamed.execute(argv, context);
    // The word may be the value of an unknown flag: report the flag first.
    const { values } = parseFlags(argv, flags);
    if (values['help'] === true || word === 'help') return print(overview(name, commands));
    if (values['version'] === true) return print(renderVersion(name));
    const expected = `expected ${names.join(', ')}`;
    if (word === undefined) throw new UsageError(`no command, ${expected}`);
    const near = nearest(word, names);
    throw new UsageError(
      `unknown command ${renderWord(word)}, ${near === undefined ? expected : `did you mean ${near}?`}`,
    );
  };
}

function overview(name: string, commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.keys(commands).map((command) => command.length));
  const lines = Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(width)}  ${summary}`);
  return `usage: ${name} <command> [flags]

Commands:
${lines.join('\n')}

${name} <command> --help lists the flags of a command.
`;
}

/** Runs `app` until a signal. */
export async function runApp(app: App, logger: Logger, context: ProgramContext): Promise<void> {
  const { name, stops, signal, onReload } = context;
  stops.onStop(name, () => app.stop());
  onReload(() => app.reload?.());
  await app.start(signal);
  await aborted(signal);
  logger.info('stopping', { reason: String(signal.reason) });
}

/** The logger configured by `LOG_FLAGS`. */
export function loggerOf(values: FlagValues<typeof LOG_FLAGS>): Logger {
  return createLogger({ level: values['log.level'], format: values['log.format'] });
}
