const NEWLINE = 0x0a;

/** Parses JSON lines, as sent by a watch, from chunks that may end anywhere. */
export class JsonLines {
  readonly #onValue: (value: unknown) => void;
  /** The incomplete last line. */
  #line: Buffer[] = [];

  /** `onValue` receives each parsed line. */
  constructor(onValue: (value: unknown) => void) {
    this.#onValue = onValue;
  }

  /** @throws SyntaxError if a line is not valid JSON. */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = Buffer.concat([...this.#line, chunk.subarray(start, end)]).toString();
      this.#line = [];
      start = end + 1;
      if (line !== '') this.#onValue(JSON.parse(line));
    }
    if (start < chunk.length) this.#line.push(chunk.subarray(start));
  }
}
