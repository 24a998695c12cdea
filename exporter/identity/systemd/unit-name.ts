const SUFFIX = '.service';

/**
 * The service of a unit: `cart` for cart.service, and for cart@1.service, an instance of a template. Undefined if the name
 * is no label value.
 *
 * @param unit the name of its cgroup, escaped as by systemd-escape
 */
export function serviceOf(unit: string): string | undefined {
  const name = unit.slice(0, -SUFFIX.length);
  const at = name.indexOf('@');
  const service = unescape(at > 0 ? name.slice(0, at) : name);
  return isName(service) && isName(unit) ? service : undefined;
}

/** True for a unit that is a service. */
export function isServiceUnit(name: string): boolean {
  return name.length > SUFFIX.length && name.endsWith(SUFFIX);
}

/** `\x2d` stands for `-`. What would be no name remains escaped. */
function unescape(text: string): string {
  const bytes = text.replaceAll(/(?:\\x[0-9a-f]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('\\x', ''), 'hex').toString(),
  );
  return isName(bytes) ? bytes : text;
}

/** False for control characters and for what is not UTF-8. */
function isName(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}\uFFFD]+$/u.test(text);
}
