/** `text` cut to `length` UTF-16 units. The result is a copy, as a slice in V8 keeps its whole source in memory. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length), 'utf8').toString('utf8');
}

/** Gives one string for all equal ones. Forgets them all when it has `capacity`. */
export class Interner {
  readonly #capacity: number;
  readonly #known = new Map<string, string>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(text: string): string {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= this.#capacity) this.#known.clear();
    this.#known.set(text, text);
    return text;
  }
}
