import { standardError } from './streams/line-output.ts';
import { cutAndCount, escapeInvisible } from './text/visible.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const LOG_FORMATS = ['logfmt', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** A value of a log field. Long text is cut. An Error is written as its message, followed by the messages of its causes. */
export type LogValue = string | number | boolean | undefined | null | Error;
export type LogFields = Readonly<Record<string, LogValue>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  readonly format?: LogFormat;
  /** Writes one line, given without newline. Default: standard error, which drops lines that it cannot take. */
  readonly write?: (line: string) => void;
  readonly now?: () => Date;
}

/**
 * A structured logger: constant messages, snake_case keys, one line each, on standard error.
 *
 * @example createLogger({ level: 'info', format: 'logfmt' }).info('listening', { address: ':9400' })
 */
export function createLogger(options: LoggerOptions = {}, bound: LogFields = {}): Logger {
  const { level = 'info', format = 'logfmt', now = () => new Date() } = options;
  const threshold = LOG_LEVELS.indexOf(level);
  const render = format === 'json' ? renderJson : renderLogfmt;
  const notice = (lines: number): string =>
    `${render({ ts: now().toISOString(), level: 'warn', msg: 'log lines were dropped', lines })}\n`;
  const write = options.write ?? ((line: string) => void standardError.write(`${line}\n`, notice));

  const log =
    (lineLevel: LogLevel) =>
    (message: string, fields: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(lineLevel) < threshold) return;
      write(render({ ts: now().toISOString(), level: lineLevel, msg: message, ...bound, ...fields }));
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    with: (fields) => createLogger(options, { ...bound, ...fields }),
  };
}

/** The message of an error and of its causes, outermost first. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.message === '' ? error.name : error.message;
  if (error instanceof AggregateError && own === '') return error.errors.map(describeError).join('; ');
  return error.cause === undefined ? own : `${own}: ${describeError(error.cause)}`;
}

/** Characters of a value, and of a key. A message about a configuration is shorter. */
const MAX_VALUE = 4096;
const MAX_KEY = 64;

function plain(value: LogValue): string | number | boolean | undefined | null {
  const described = value instanceof Error ? describeError(value) : value;
  return typeof described === 'string' ? cutAndCount(described, MAX_VALUE) : described;
}

/** Nothing that a name from outside may contain ends a line or moves a terminal's cursor. */
function renderJson(fields: LogFields): string {
  const entries = Object.entries(fields).map(([key, value]) => [plainKey(key), plain(value)] as const);
  return escapeInvisible(JSON.stringify(Object.fromEntries(entries)));
}

function plainKey(key: string): string {
  return cutAndCount(key, MAX_KEY).replaceAll(/[^\w.-]/g, '_');
}

function renderLogfmt(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const text = String(plain(value));
      return `${plainKey(key)}=${/^[^\s"=\\\p{C}]+$/u.test(text) ? text : escapeInvisible(JSON.stringify(text))}`;
    })
    .join(' ');
}

/**
 * Logs a repeated failure only when its state changes: when it starts, when its message changes, and when it ends.
 */
export class ConditionLog {
  readonly #logger: Logger;
  readonly #failing = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `condition` failed with `error`; `message` is constant. */
  failing(condition: string, message: string, error: unknown, fields: LogFields = {}): void {
    const description = cutAndCount(describeError(error), MAX_VALUE);
    if (this.#failing.get(condition) === description) return;
    this.#failing.set(condition, description);
    this.#logger.warn(message, { ...fields, error: description });
  }

  /** `condition` works again; logs `message` only after a failure. */
  recovered(condition: string, message: string, fields: LogFields = {}): void {
    if (!this.#failing.delete(condition)) return;
    this.#logger.info(message, fields);
  }
}
