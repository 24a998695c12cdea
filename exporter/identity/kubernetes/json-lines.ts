const NEWLINE = 0x0a;

/** Reads lines of JSON, as a watch sends them, in pieces that end anywhere. */
export class JsonLines {
  readonly #onValue: (value: unknown) => void;
  /** The line that hasn't ended yet. */
  #line: Buffer[] = [];

  /** `onValue` gets each line, parsed. */
  constructor(onValue: (value: unknown) => void) {
    this.#onValue = onValue;
  }

  /** @throws SyntaxError when a line is no JSON. */
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
