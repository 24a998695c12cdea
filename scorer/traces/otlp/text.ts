/**
 * At most `length` UTF-16 units of `text`. A copy, where it is shorter: V8's slices keep the whole text that they were
 * taken from.
 */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length), 'utf8').toString('utf8');
}

/** One string for all equal ones, as long as there are few: operations and ids of services come again and again. */
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
