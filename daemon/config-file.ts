import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import * as z from 'zod';
import { renderRedacted } from './secrets/redact.ts';

/** An invalid file or value from the user. The message names the file, the path in it and the expected value. */
export class ConfigError extends Error {
  readonly code = 'CONFIG';
  override readonly name = 'ConfigError';
}

/**
 * Reads a YAML (or JSON) file into a readonly value of `schema`'s type.
 *
 * @throws ConfigError, for example `scorer.yaml: remote_write.url: expected an http(s) URL, got "foo"`.
 */
export function readConfigFile<T extends z.ZodType>(path: string, schema: T): z.output<T> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : 'not readable'}`,
      {
        cause: error,
      },
    );
  }
  return parseConfig(path, text, schema);
}

/** A line without content. js-yaml rejects a file that has nothing else. */
const EMPTY_LINE = /^\s*(?:#.*|---|\.\.\.)?\s*$/;

/** Like `readConfigFile`, for text already read; `name` replaces the file's name in messages. */
export function parseConfig<T extends z.ZodType>(name: string, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = text.split('\n').every((line) => EMPTY_LINE.test(line)) ? undefined : load(text);
  } catch (error) {
    // Names of aliases and tags may be the start of a secret that was not quoted.
    const reason = ((error as Error).message.split('\n')[0] ?? '').replace(/"[^"]*"|!?<[^>]*>+/g, '...');
    throw new ConfigError(`${name}: not valid YAML: ${reason}`);
  }
  return checkConfig(name, value, schema);
}

/** As `parseConfig`, for a value already parsed. */
export function checkConfig<T extends z.ZodType>(name: string, value: unknown, schema: T): z.output<T> {
  const parsed = schema.safeParse(value ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw new ConfigError(parsed.error.issues.map((issue) => describeIssue(name, issue)).join('\n'));
}

function describeIssue(file: string, issue: z.core.$ZodIssue): string {
  const at = (path: readonly PropertyKey[]) => (path.length === 0 ? file : `${file}: ${renderPath(path)}`);
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => `${at([...issue.path, key])}: unknown key`).join('\n');
    case 'invalid_type':
      if (issue.input === undefined) return `${at(issue.path)}: missing, expected ${issue.expected}`;
      return `${at(issue.path)}: expected ${issue.expected}, got ${renderRedacted(issue.input, issue.path)}`;
    case 'invalid_union': {
      const near = nearestBranch(issue);
      if (near !== undefined) {
        return near.map((inner) => describeIssue(file, { ...inner, path: [...issue.path, ...inner.path] })).join('\n');
      }
      const nested = issue.errors.flat().map((inner) => inner.message);
      return `${at(issue.path)}: ${nested[0] ?? issue.message}, got ${renderRedacted(issue.input, issue.path)}`;
    }
    default:
      return `${at(issue.path)}: ${issue.message}, got ${renderRedacted(issue.input, issue.path)}`;
  }
}

/** The issues of the form that the value was meant to have: those that lie furthest inside it. */
function nearestBranch({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(0, ...issues.map(({ code, path }) => path.length + (code === 'unrecognized_keys' ? 1 : 0)));
  const deepest = Math.max(0, ...errors.map(depth));
  return deepest === 0 ? undefined : errors.find((issues) => depth(issues) === deepest);
}

function renderPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

const DURATION = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_MS = [604_800_000, 86_400_000, 3_600_000, 60_000, 1000, 1];

/** Milliseconds of a Prometheus duration such as `1h30m`; undefined if `text` is invalid. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null || text === '') return undefined;
  return UNIT_MS.reduce((sum, unit, index) => sum + unit * Number(match[index + 1] ?? 0), 0);
}

/** The shortest Prometheus duration for a whole number of milliseconds, `90000` -> `1m30s`. */
export function formatDuration(milliseconds: number): string {
  let rest = Math.round(milliseconds);
  const names = ['w', 'd', 'h', 'm', 's', 'ms'];
  const text = UNIT_MS.map((unit, index) => {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    return count > 0 ? `${count}${names[index]}` : '';
  }).join('');
  return text === '' ? '0s' : text;
}

/** A duration in Prometheus' notation, in milliseconds. */
export const durationSchema = z.string('expected a duration such as 30s or 5m').transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined || milliseconds <= 0) {
    context.addIssue({ code: 'custom', message: 'expected a duration such as 30s or 5m', input: text });
    return z.NEVER;
  }
  return milliseconds;
});

/** An absolute http or https URL. */
export const urlSchema = z
  .string('expected an http(s) URL')
  .refine((text) => /^https?:\/\/[^/]/.test(text) && URL.canParse(text), {
    message: 'expected an http(s) URL',
    abort: true,
  })
  .refine((text) => !/[\s#]/.test(text), {
    message: 'expected an http(s) URL without spaces and fragment',
    abort: true,
  });
