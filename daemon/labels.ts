export type Labels = Readonly<Record<string, string>>;

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** `text` with each character that `characters` matches as Prometheus' text format escapes it. */
export function escape(text: string, characters: RegExp): string {
  return text.replaceAll(characters, (character) => ESCAPES[character] ?? character);
}

/**
 * Renders labels in the order given, without braces: `namespace="shop",service="cart"`. Empty values are left out:
 * Prometheus takes an empty label for none.
 */
export function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escape(value, /[\\"\n]/g)}"`)
    .join(',');
}
