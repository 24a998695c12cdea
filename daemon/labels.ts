export type Labels = Readonly<Record<string, string>>;

/** The name of a label. */
export const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** `text` with each character that matches `characters` escaped as in Prometheus' text format. */
export function escape(text: string, characters: RegExp): string {
  return text.replaceAll(characters, (character) => ESCAPES[character] ?? character);
}

/**
 * Renders labels in the given order, without braces: `namespace="shop",service="cart"`. Skips empty values: Prometheus
 * treats an empty label as missing.
 */
export function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}="${escape(value, /[\\"\n]/g)}"`)
    .join(',');
}
