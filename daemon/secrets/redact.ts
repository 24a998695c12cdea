import { cut, quote } from '../text/visible.ts';
import { isBelowSecret, isLoginSection, isSecretPlace, looksSecret } from './sensitive.ts';

/** Stands for a secret in messages, as in Prometheus. */
const SECRET = '<secret>';
/** Stands for a key that may be a secret. */
const SOME_KEY = '<key>';

/** Characters of a value, and of a key, in a message. */
const MAX_VALUE = 80;
const MAX_KEY = 64;
const MAX_FILE = 300;

/**
 * A value of a configuration for a message: the only code that renders one. Secrets are those that the value's `path`
 * announces, those that look like one, and what a URL has beside its place. Of mappings and lists only that they are
 * some: what stands in them may be in the wrong place, and it may be of any size.
 */
export function renderRedacted(input: unknown, path: readonly PropertyKey[]): string {
  if (Array.isArray(input)) return 'a list';
  if (typeof input === 'object' && input !== null) return 'a mapping';
  if (input === undefined || input === null || typeof input === 'boolean') return String(input);
  if (isSecretPlace(path)) return `"${SECRET}"`;
  if (typeof input === 'string') return renderText(input);
  return typeof input === 'number' || typeof input === 'bigint' ? cut(String(input), MAX_VALUE) : typeof input;
}

/** As `renderRedacted`, for a value where a section was expected: it may be any value of the section. */
export function renderMisplaced(input: unknown): string {
  return typeof input === 'string' || typeof input === 'number' ? `"${SECRET}"` : renderRedacted(input, []);
}

/** As `renderRedacted`, for a word of the command line. */
export function renderText(text: string): string {
  return looksSecret(text) ? `"${SECRET}"` : quote(redactUrls(text), MAX_VALUE);
}

/** As `renderText`, without quotes where it is a word. */
export function renderWord(text: string): string {
  return /^[\w.-]{1,64}$/.test(text) ? text : renderText(text);
}

/** What may precede the user of a URL. Of other words before a colon nobody knows what they are. */
const SCHEME = /^(?:[a-z][a-z0-9+.-]{0,15}:\/\/|https?:\/{0,2})/i;

/** Hides user, password, query and fragment, also of URLs that aren't valid. */
function redactUrls(text: string): string {
  const scheme = SCHEME.exec(text)?.[0] ?? '';
  let rest = text.slice(scheme.length);
  // A password may contain all that ends one.
  const at = rest.lastIndexOf('@');
  if (at !== -1) rest = `xxxxx${rest.slice(at)}`;
  return scheme + (scheme === '' ? rest : rest.replace(/[?#][^]*/, '?xxxxx'));
}

/** A path in a configuration: `targets[0].cgroup`. Hides keys that are secrets, as `password:hunter2` without a blank. */
export function renderPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part, at) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const key = renderKey(String(part), path.slice(0, at));
    return text === '' ? key : `${text}.${key}`;
  }, '');
}

/** As `renderPath`, for a path to a key that isn't known. */
export function renderUnknownKey(path: readonly PropertyKey[]): string {
  const before = path.slice(0, -1);
  const key = String(path.at(-1));
  const isWord = isLoginSection(before) ? /^[a-z_]+(?:[:=@\s]|$)/ : /^[A-Za-z_][A-Za-z_-]*\d?(?:[:=@\s]|$)/;
  return renderPath([...before, isWord.test(key) ? key : SOME_KEY]);
}

function renderKey(key: string, before: readonly PropertyKey[]): string {
  if (key === SOME_KEY || isBelowSecret(before) || looksSecret(key)) return SOME_KEY;
  if (key.length <= MAX_KEY && /^[\w.$/!#%&'*+^`|~-]+$/.test(key)) return key;
  const word = /^[\w.-]*/.exec(key)?.[0] ?? '';
  return word.length > 0 && word.length <= MAX_KEY ? `${word}...` : SOME_KEY;
}

/** The name of a file for a message: whole, unless it is longer than those that people give, or has a secret in it. */
export function renderFile(path: string): string {
  const shown = path
    .split('/')
    .map((part) => (looksSecret(part) ? SECRET : part))
    .join('/');
  return shown.length > MAX_FILE ? `...${shown.slice(3 - MAX_FILE)}` : shown;
}

/** A valid URL without user, password, query and fragment, for messages and labels. */
export function redactUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
