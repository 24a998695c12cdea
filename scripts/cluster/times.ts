/** How long the parts of a run took, in the order in which they ended. */
export class Times {
  readonly #rows: { readonly what: string; readonly seconds: number }[] = [];

  add(what: string, seconds: number): void {
    this.#rows.push({ what, seconds });
  }

  async measure<Value>(what: string, work: () => Promise<Value>): Promise<Value> {
    const began = performance.now();
    const value = await work();
    this.add(what, (performance.now() - began) / 1000);
    return value;
  }

  /** A table of all parts: a line each, seconds at the right. */
  render(): string {
    const width = Math.max(0, ...this.#rows.map(({ what }) => what.length));
    return this.#rows.map(({ what, seconds }) => `${what.padEnd(width)}  ${seconds.toFixed(1).padStart(7)} s\n`).join('');
  }
}
