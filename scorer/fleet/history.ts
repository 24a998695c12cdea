/**
 * A ring buffer of the latest values of one service or edge: a row per step (intervals since the epoch), a column per
 * feature value. Missing values are NaN.
 */
export class History {
  readonly width: number;
  readonly capacity: number;
  readonly #values: Float32Array;
  #newest: number | undefined;
  #oldestPut = Number.POSITIVE_INFINITY;
  /** The source of all values; of each, once there are several. */
  #source: number | undefined;
  #sources: Uint16Array | undefined;
  /** Steps that have no values because two sources had one for the same column. */
  readonly #refused = new Set<number>();

  /**
   * @param width columns
   * @param capacity rows kept
   */
  constructor(width: number, capacity: number) {
    this.width = width;
    this.capacity = capacity;
    this.#values = new Float32Array(width * capacity).fill(NaN);
  }

  /** The newest step with a value; undefined without any. */
  get newest(): number | undefined {
    return this.#newest;
  }

  /** The oldest step that ever had a value, still in the ring or not; infinite without any. */
  get oldest(): number {
    return this.#oldestPut;
  }

  /**
   * Sets a value; ignores one that isn't finite, and steps that are older than the ring.
   *
   * A step at which two sources have a value for the same column belongs to two services of one name: it becomes and
   * stays missing, because nobody knows which values are whose.
   *
   * @param source identifies the series of a column that the value is from, up to 65535
   * @returns false if the step is refused for the first time with this value
   */
  put(step: number, column: number, value: number, source = 0): boolean {
    if (!Number.isFinite(value)) return true;
    this.#reach(step);
    if (step <= (this.#newest ?? step) - this.capacity || this.#refused.has(step)) return true;
    const at = this.#start(step) + column;
    if (!Number.isNaN(this.#values[at]) && this.#sourceAt(at) !== source) {
      this.#clear(step);
      this.#refused.add(step);
      return false;
    }
    this.#oldestPut = Math.min(this.#oldestPut, step);
    this.#values[at] = value;
    this.#setSource(at, source);
    return true;
  }

  /** The value at a step; NaN if missing or outside the ring. */
  get(step: number, column: number): number {
    return this.#reaches(step) ? (this.#values[this.#start(step) + column] ?? NaN) : NaN;
  }

  /** A view of a step's row, NaN where missing, valid until the next `put`; undefined outside the ring. */
  row(step: number): Readonly<Float32Array> | undefined {
    if (!this.#reaches(step)) return undefined;
    const start = this.#start(step);
    return this.#values.subarray(start, start + this.width);
  }

  /** Sets all values of a step to missing. */
  forget(step: number): void {
    if (this.#reaches(step)) this.#clear(step);
  }

  /** Number of columns with a value at `step`. */
  observed(step: number): number {
    return this.row(step)?.reduce((count, value) => (Number.isNaN(value) ? count : count + 1), 0) ?? 0;
  }

  #reaches(step: number): boolean {
    return this.#newest !== undefined && step <= this.#newest && step > this.#newest - this.capacity;
  }

  #reach(step: number): void {
    if (this.#newest === undefined) this.#newest = step;
    const from = Math.max(this.#newest + 1, step - this.capacity + 1);
    for (let cleared = from; cleared <= step; cleared++) this.#clear(cleared);
    if (step <= this.#newest) return;
    this.#newest = step;
    for (const refused of this.#refused) if (!this.#reaches(refused)) this.#refused.delete(refused);
  }

  #clear(step: number): void {
    const start = this.#start(step);
    this.#values.fill(NaN, start, start + this.width);
  }

  #sourceAt(at: number): number | undefined {
    return this.#sources === undefined ? this.#source : this.#sources[at];
  }

  /** Most services have one source for ever: they need no memory for those of their values. */
  #setSource(at: number, source: number): void {
    this.#source ??= source;
    if (this.#sources === undefined) {
      if (source === this.#source) return;
      this.#sources = new Uint16Array(this.#values.length).fill(this.#source);
    }
    this.#sources[at] = source;
  }

  /** Offset of a step's row in the ring. */
  #start(step: number): number {
    return (((step % this.capacity) + this.capacity) % this.capacity) * this.width;
  }
}
