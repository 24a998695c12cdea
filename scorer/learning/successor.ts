/** What cycles use, and what replaces it between two of them. */
export class Successor<T> {
  readonly #close: (outdated: T) => Promise<void>;
  #current: T;
  #next: T | undefined;

  /** @param close frees what is no longer used */
  constructor(initial: T, close: (outdated: T) => Promise<void>) {
    this.#current = initial;
    this.#close = close;
  }

  get current(): T {
    return this.#current;
  }

  /** True if `adopt` has something to switch to. */
  get hasNext(): boolean {
    return this.#next !== undefined;
  }

  /** Replaces what the next `adopt` switches to. */
  async prepare(next: T): Promise<void> {
    if (this.#next !== undefined) await this.#close(this.#next);
    this.#next = next;
  }

  /** Switches to what was prepared last. Call between cycles, so that none uses two of them or one that is closed. */
  async adopt(): Promise<void> {
    if (this.#next === undefined) return;
    const outdated = this.#current;
    this.#current = this.#next;
    this.#next = undefined;
    await this.#close(outdated);
  }

  async close(): Promise<void> {
    if (this.#next !== undefined) await this.#close(this.#next);
    await this.#close(this.#current);
  }
}
