/** Stands for a secret in messages, as in Prometheus. */
const SECRET = '<secret>';

/** Keys of configuration files whose values are secrets. */
const SECRET_KEYS =
  /^(password|credentials|bearer_token|client_secret|client_certificate_key|access_key|secret_key|external_id|certificate_password|key|secrets)$/;
/** Keys whose values are mappings from a user's names to values that may be secrets. */
const SECRET_MAPPINGS = new Set(['headers', 'http_headers', 'proxy_connect_header', 'endpoint_params']);

/** `input` as JSON for a message, without the secrets that its `path` in the configuration or its own keys announce. */
export function renderRedacted(input: unknown, path: readonly PropertyKey[]): string {
  const hidden = path.some((part, at) => isSecret(part) || (isMapping(part) && at < path.length - 1));
  const text = hidden ? JSON.stringify(SECRET) : (JSON.stringify(redact(input, path.at(-1))) ?? String(input));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

function isSecret(key: PropertyKey | undefined): boolean {
  return SECRET_KEYS.test(String(key));
}

function isMapping(key: PropertyKey | undefined): boolean {
  return SECRET_MAPPINGS.has(String(key));
}

function redact(value: unknown, key: PropertyKey | undefined): unknown {
  if (value === null || value === undefined) return value;
  if (isSecret(key) || (isMapping(key) && typeof value !== 'object')) return SECRET;
  if (typeof value === 'string') return redactUrls(value);
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((one) => redact(one, key));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isMapping(key) ? SECRET : redact(inner, name)]),
  );
}

/** Replaces what stands between the scheme and the last `@`, also of URLs that aren't valid. */
function redactUrls(text: string): string {
  return text.replace(/\/\/[^\s]*@/, '//xxxxx@');
}

/** A valid URL without user, password, query and fragment, for messages and labels. */
export function redactUrl(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
}
