import * as z from 'zod';
import { FileError, readFileBounded } from './files/read-file.ts';
import { renderFile, renderMisplaced, renderPath, renderRedacted, renderUnknownKey } from './secrets/redact.ts';
import { cut } from './text/visible.ts';
import { MAX_YAML_LENGTH, parseYaml, YamlError } from './yaml/parse-yaml.ts';

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
  try {
    return parseConfig(path, readFileBounded(path, MAX_YAML_LENGTH).toString('utf8'), schema);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ConfigError(error.message);
  }
}

/** Like `readConfigFile`, for text already read; `name` replaces the file's name in messages. */
export function parseConfig<T extends z.ZodType>(name: string, text: string, schema: T): z.output<T> {
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new ConfigError(`${renderFile(name)}: ${error.message}`);
  }
  return checkConfig(name, value, schema);
}

/** As `parseConfig`, for a value already parsed. */
export function checkConfig<T extends z.ZodType>(name: string, value: unknown, schema: T): z.output<T> {
  const parsed = schema.safeParse(value ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  const file = renderFile(name);
  throw configError(parsed.error.issues.flatMap((issue) => describeIssue(file, issue)));
}

/** Bytes of one problem, and of all that a message has. */
const MAX_PROBLEM = 600;
const MAX_MESSAGE = 1900;

/** An error with a line for each problem, as many as a message may have. */
export function configError(problems: readonly string[]): ConfigError {
  const lines: string[] = [];
  let left = MAX_MESSAGE;
  for (const [at, problem] of problems.entries()) {
    const line = cut(problem, MAX_PROBLEM);
    left -= Buffer.byteLength(line) + 1;
    if (left < 0 && at > 0) return new ConfigError([...lines, `and ${problems.length - at} more`].join('\n'));
    lines.push(line);
  }
  return new ConfigError(lines.join('\n'));
}

function describeIssue(file: string, issue: z.core.$ZodIssue): string[] {
  const where = issue.path.length === 0 ? file : `${file}: ${renderPath(issue.path)}`;
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => `${file}: ${renderUnknownKey([...issue.path, key])}: unknown key`);
    case 'invalid_type': {
      if (issue.input === undefined) return [`${where}: missing, expected ${issue.expected}`];
      const got = expectsSection(issue) ? renderMisplaced(issue.input) : renderRedacted(issue.input, issue.path);
      return [`${where}: expected ${issue.expected}, got ${got}`];
    }
    case 'invalid_union': {
      const near = nearestBranch(issue);
      if (near !== undefined) {
        return near.flatMap((inner) => describeIssue(file, { ...inner, path: [...issue.path, ...inner.path] }));
      }
      const nested = issue.errors.flat();
      const isMisplaced = nested.some(expectsSection);
      const got = isMisplaced ? renderMisplaced(issue.input) : renderRedacted(issue.input, issue.path);
      return [`${where}: ${nested[0]?.message ?? issue.message}, got ${got}`];
    }
    default:
      return [`${where}: ${issue.message}${renderGot(issue)}`];
  }
}

function expectsSection(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record');
}

/** What breaks a rule about several values is a whole section or list, of which nothing is said. */
function renderGot({ code, input, path }: z.core.$ZodIssue): string {
  const isSection = typeof input === 'object' && input !== null;
  return isSection && ['custom', 'too_small', 'too_big'].includes(code) ? '' : `, got ${renderRedacted(input, path)}`;
}

/** The issues of the form that the value was meant to have: those that lie furthest inside it. */
function nearestBranch({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    issues.reduce((most, { code, path }) => Math.max(most, path.length + (code === 'unrecognized_keys' ? 1 : 0)), 0);
  const deepest = errors.reduce((most, issues) => Math.max(most, depth(issues)), 0);
  return deepest === 0 ? undefined : errors.find((issues) => depth(issues) === deepest);
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
