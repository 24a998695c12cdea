interface Row {
  readonly what: string;
  readonly seconds: number;
}

/** How long the parts of a run took, in the order in which they ended. */
export class Times {
  readonly #rows: Row[] = [];

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
    return this.#rows.map((row) => `${line(row, width)}\n`).join('');
  }

  /** The line of the part that ended last; empty without any. */
  lastRow(): string {
    const last = this.#rows.at(-1);
    return last === undefined ? '' : line(last, WIDTH);
  }
}

/** Of a single line, so that several are a table in most cases. */
const WIDTH = 34;

function line({ what, seconds }: Row, width: number): string {
  return `${what.padEnd(width)}  ${seconds.toFixed(1).padStart(7)} s`;
}
