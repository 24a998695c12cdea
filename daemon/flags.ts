import { parseArgs } from 'node:util';
import { LOG_FORMATS, LOG_LEVELS } from './logger.ts';
import { nearest } from './nearest.ts';
import { renderText, renderWord } from './secrets/redact.ts';

/** An invalid command line. The message is for the user. */
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
  /** One letter, the short form of the flag: `h` for `-h`. */
  readonly short?: string;
  readonly help: string;
}

export interface NumberFlag {
  readonly type: 'number';
  readonly default?: number;
  readonly help: string;
}

export type Flag = StringFlag | BooleanFlag | NumberFlag;
export type Flags = Readonly<Record<string, Flag>>;

type StringOf<F extends Flag> = F extends { choices: readonly (infer Choice)[] } ? Choice : string;

type ValueOf<F extends Flag> = F extends { type: 'boolean' }
  ? boolean
  : F extends { type: 'number' }
    ? F extends { default: number }
      ? number
      : number | undefined
    : F extends { default: string }
      ? StringOf<F>
      : StringOf<F> | undefined;

export type FlagValues<T extends Flags> = { readonly [K in keyof T]: ValueOf<T[K]> };

export const HELP_FLAG = {
  help: { type: 'boolean', short: 'h', help: 'Print this help and exit.' },
} as const satisfies Flags;

/** The flags of every program and command. */
export const COMMON_FLAGS = {
  version: { type: 'boolean', help: 'Print the version and exit.' },
  ...HELP_FLAG,
} as const satisfies Flags;

/** The flags of every command that logs. */
export const LOG_FLAGS = {
  'log.level': { type: 'string', default: 'info', choices: LOG_LEVELS, help: 'Minimum level to log.' },
  'log.format': { type: 'string', default: 'logfmt', choices: LOG_FORMATS, help: 'Log format.' },
} as const satisfies Flags;

/** The flags of every command with a web server. */
export const WEB_FLAGS = {
  'web.config.file': {
    type: 'string',
    help: "YAML file with TLS, headers, basic auth and a rate limit, in exporter-toolkit's format; changes take effect immediately.",
  },
  'web.enable-lifecycle': { type: 'boolean', help: 'Enable reloads by POST /-/reload.' },
  'web.probes-without-password': {
    type: 'boolean',
    help: 'Answer /-/healthy and /-/ready with their status to clients without a password, as the kubelet, outside the rate limit.',
  },
} as const satisfies Flags;

/**
 * Parses `--name=value`, `--name value`, `--bool`, `--no-bool` and short forms. Of a repeated flag the last value is
 * used.
 *
 * @throws UsageError naming the flag and the expected value, or the known flag most similar to an unknown one.
 */
export function parseFlags<const T extends Flags>(
  argv: readonly string[],
  flags: T,
): { readonly values: FlagValues<T>; readonly positionals: readonly string[] } {
  const given = new Map<string, string | boolean>();
  const positionals: string[] = [];
  for (const token of tokensOf(argv, flags)) {
    if (token.kind === 'positional') positionals.push(token.value);
    else if (token.kind === 'option') given.set(...readOption(token, flags));
  }
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const [name, flag] of Object.entries(flags)) values[name] = readFlag(name, flag, given.get(name));
  return { values: values as FlagValues<T>, positionals };
}

/** Index in `argv` of the first word that is neither a flag nor a flag's value; undefined if there is none. */
export function firstPositional(argv: readonly string[], flags: Flags): number | undefined {
  return tokensOf(argv, flags).find(({ kind }) => kind === 'positional')?.index;
}

type Token = ReturnType<typeof tokensOf>[number];

function tokensOf(argv: readonly string[], flags: Flags) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      {
        type: flag.type === 'boolean' ? ('boolean' as const) : ('string' as const),
        ...(flag.type === 'boolean' && flag.short !== undefined && { short: flag.short }),
      },
    ]),
  );
  return parseArgs({ args: [...argv], options, allowPositionals: true, strict: false, tokens: true }).tokens;
}

function readOption(
  { name, rawName, value, inlineValue }: Extract<Token, { kind: 'option' }>,
  flags: Flags,
): [name: string, value: string | boolean] {
  const positive = name.startsWith('no-') ? name.slice('no-'.length) : name;
  const negated = !Object.hasOwn(flags, name) && flags[positive]?.type === 'boolean';
  const flag = Object.hasOwn(flags, negated ? positive : name) ? flags[negated ? positive : name] : undefined;
  if (flag === undefined) throw new UsageError(unknownFlag(rawName, flags));
  if (flag.type === 'boolean') {
    if (value !== undefined)
      throw new UsageError(`${renderWord(rawName)}: expected no value, got ${renderText(value)}`);
    return [negated ? positive : name, !negated];
  }
  // A word that looks like a flag is not a value: the flag before it has none.
  if (value === undefined || (!inlineValue && value.startsWith('-'))) {
    throw new UsageError(`${rawName}: expected a value, as in ${rawName}=${flag.default ?? '...'}`);
  }
  return [name, value];
}

function unknownFlag(rawName: string, flags: Flags): string {
  const names = Object.entries(flags).flatMap(([name, { type }]) => [
    name,
    ...(type === 'boolean' ? [`no-${name}`] : []),
  ]);
  const near = nearest(rawName.replace(/^-+/, ''), names);
  return `unknown flag ${renderWord(rawName)}${near === undefined ? '; --help lists the known ones' : `, did you mean --${near}?`}`;
}

function readFlag(name: string, flag: Flag, raw: string | boolean | undefined): string | number | boolean | undefined {
  if (raw === undefined) return flag.type === 'boolean' ? (flag.default ?? false) : flag.default;
  if (flag.type === 'number') {
    const value = Number(raw);
    if (raw === '' || !Number.isFinite(value)) {
      throw new UsageError(`--${name}: expected a number, got ${renderText(String(raw))}`);
    }
    return value;
  }
  if (flag.type === 'string' && flag.choices !== undefined && !flag.choices.includes(`${raw}`)) {
    throw new UsageError(`--${name}: expected ${flag.choices.join(', ')}, got ${renderText(String(raw))}`);
  }
  return raw;
}

/** The text of `--help`: one paragraph for each flag, with its default. */
export function renderHelp(usage: string, flags: Flags): string {
  const lines = Object.entries(flags).map(([name, flag]) => {
    const value = flag.type === 'boolean' ? '' : `=${flag.default ?? ''}`;
    const short = flag.type === 'boolean' && flag.short !== undefined ? `-${flag.short}, ` : '';
    return `  ${short}--${name}${value}\n      ${flag.help}`;
  });
  return `usage: ${usage}\n\nFlags:\n${lines.join('\n')}\n`;
}
