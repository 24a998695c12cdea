/** Keys of configuration files whose values are secrets, with all below them. */
const SECRET_KEYS =
  /^(password|credentials|bearer_token|client_secret|client_certificate_key|access_key|secret_key|external_id|certificate_password|key|secrets)$/;
/** Keys whose values are mappings from a user's names to values that may be secrets. */
const SECRET_MAPPINGS = new Set(['headers', 'http_headers', 'proxy_connect_header', 'endpoint_params', 'claims']);
/** Sections that say how to log in: a value at the wrong key of one may be the secret. */
const LOGIN_SECTIONS = new Set(['basic_auth', 'authorization', 'oauth2', 'sigv4', 'azuread']);
/** Keys of these sections whose values are no secrets whatever is wrong with them. */
const PUBLIC_KEYS =
  /(_file|_path|_url|_version|_endpoint)$|^(files|grant_type|signature_algorithm|cloud|region|scopes|no_proxy)$/;

/** Texts that are secrets wherever they stand: keys in PEM format, JSON Web Tokens, hashes of bcrypt. */
const SECRET_TEXTS = /-----BEGIN|^\s*eyJ[\w-]{8,}\.|^\$2[abxy]?\$\d\d\$/;

/** True if what stands at `path` of a configuration may be a secret. */
export function isSecretPlace(path: readonly PropertyKey[]): boolean {
  const keys = path.filter((part) => typeof part !== 'number').map(String);
  if (isBelowSecret(keys) || keys.some((key) => SECRET_MAPPINGS.has(key))) return true;
  return isLoginSection(keys) && !PUBLIC_KEYS.test(keys.at(-1) ?? '');
}

/** True if a key on `path` announces a secret. */
export function isBelowSecret(path: readonly PropertyKey[]): boolean {
  return path.some((part) => SECRET_KEYS.test(String(part)));
}

/** True at and below a section that says how to log in. */
export function isLoginSection(path: readonly PropertyKey[]): boolean {
  return path.some((part) => LOGIN_SECTIONS.has(String(part)));
}

/** Words of the length of tokens. */
const LONG_WORD = /[\w+=]{24,}/g;

/** True for a text that is, or has, a secret by its form. */
export function looksSecret(text: string): boolean {
  return SECRET_TEXTS.test(text) || (text.match(LONG_WORD) ?? []).some(isRandom);
}

/** Has capitals, small letters and digits, as tokens have, and neither names of Kubernetes nor digests in hexadecimal. */
function isRandom(word: string): boolean {
  return [/[A-Z]/g, /[a-z]/g, /\d/g].every((kind) => (word.match(kind) ?? []).length >= 2);
}
