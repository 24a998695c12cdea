/** Remembers ids for `lifeMs` to twice that, and fewer than `2 * capacity` of them. */
export class RecentIds {
  readonly #lifeMs: number;
  readonly #capacity: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #sinceMs = 0;

  constructor(lifeMs: number, capacity: number) {
    this.#lifeMs = lifeMs;
    this.#capacity = capacity;
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id);
  }

  add(id: string, nowMs: number): void {
    if (this.#young.size >= this.#capacity || nowMs - this.#sinceMs >= this.#lifeMs) {
      this.#old = this.#young;
      this.#young = new Set();
      this.#sinceMs = nowMs;
    }
    this.#young.add(id);
  }
}
