import { parseArgs } from 'node:util';

/** Wrong use of a command line; the message is for the user. */
export class UsageError extends Error {
  readonly code = 'USAGE';
  override readonly name = 'UsageError';
}

export interface StringFlag {
  readonly type: 'string';
  readonly default?: string;
  readonly choices?: readonly string[];
  readonly help: string;
}

export interface BooleanFlag {
  readonly type: 'boolean';
  readonly default?: boolean;
  readonly help: string;
}

export interface NumberFlag {
  readonly type: 'number';
  readonly default?: number;
  readonly help: string;
}

export type Flag = StringFlag | BooleanFlag | NumberFlag;
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends { type: 'boolean' }
  ? boolean
  : F extends { type: 'number' }
    ? F extends { default: number }
      ? number
      : number | undefined
    : F extends { default: string }
      ? string
      : string | undefined;

export type FlagValues<T extends Flags> = { readonly [K in keyof T]: ValueOf<T[K]> };

export const HELP_FLAG = { help: { type: 'boolean', help: 'Print this help and exit.' } } as const satisfies Flags;

/** The flags that every long-running program has, named as Prometheus' programs name them. */
export const COMMON_FLAGS = {
  'log.level': {
    type: 'string',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error'],
    help: 'Least level to log.',
  },
  'log.format': { type: 'string', default: 'logfmt', choices: ['logfmt', 'json'], help: 'Form of the log lines.' },
  version: { type: 'boolean', help: 'Print the version and exit.' },
  ...HELP_FLAG,
} as const satisfies Flags;

/**
 * Parses `--name=value`, `--name value`, `--bool` and `--no-bool`.
 *
 * @throws UsageError naming the flag and what it expects.
 */
export function parseFlags<const T extends Flags>(
  argv: readonly string[],
  flags: T,
): { readonly values: FlagValues<T>; readonly positionals: readonly string[] } {
  const parsed = parseRaw(argv, flags);
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) values[name] = readFlag(name, flag, parsed.values[name]);
  return { values: values as FlagValues<T>, positionals: parsed.positionals };
}

function parseRaw(argv: readonly string[], flags: Flags) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      { type: flag.type === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split('. ')[0] ?? 'wrong usage');
  }
}

function readFlag(name: string, flag: Flag, raw: string | boolean | undefined): string | number | boolean | undefined {
  if (raw === undefined) return flag.type === 'boolean' ? (flag.default ?? false) : flag.default;
  if (flag.type === 'number') {
    const value = Number(raw);
    if (raw === '' || !Number.isFinite(value)) {
      throw new UsageError(`--${name}: expected a number, got "${raw}"`);
    }
    return value;
  }
  if (flag.type === 'string' && flag.choices !== undefined && !flag.choices.includes(`${raw}`)) {
    throw new UsageError(`--${name}: expected ${flag.choices.join(', ')}, got "${raw}"`);
  }
  return raw;
}

/** The text of `--help`: one flag a paragraph, with its default. */
export function renderHelp(usage: string, flags: Flags): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const value = flag.type === 'boolean' ? '' : `=${flag.default ?? ''}`;
    return `  --${name}${value}\n      ${flag.help}`;
  });
  return `usage: ${usage}\n\nFlags:\n${lines.join('\n')}\n`;
}
