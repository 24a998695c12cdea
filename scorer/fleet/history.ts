/**
 * The latest values of one service's (or edge's) columns, one row for each step of time, in a ring.
 * A step is a whole number of intervals since the epoch. What was never put is NaN.
 */
export class History {
  readonly width: number;
  readonly capacity: number;
  readonly #values: Float32Array;
  #newest: number | undefined;
  #oldestPut = Number.POSITIVE_INFINITY;

  /**
   * @param width columns
   * @param capacity rows kept
   */
  constructor(width: number, capacity: number) {
    this.width = width;
    this.capacity = capacity;
    this.#values = new Float32Array(width * capacity).fill(NaN);
  }

  /** The newest step that was put, or undefined when nothing was. */
  get newest(): number | undefined {
    return this.#newest;
  }

  /** The oldest step that was ever put, kept or not; infinite when nothing was. */
  get oldest(): number {
    return this.#oldestPut;
  }

  /** Keeps `value`; a step older than the ring reaches is left out. */
  put(step: number, column: number, value: number): void {
    if (!Number.isFinite(value)) return;
    this.#reach(step);
    if (step <= (this.#newest ?? step) - this.capacity) return;
    this.#oldestPut = Math.min(this.#oldestPut, step);
    this.#values[this.#start(step) + column] = value;
  }

  /** NaN when missing or out of the ring's reach. */
  get(step: number, column: number): number {
    return this.#reaches(step) ? (this.#values[this.#start(step) + column] ?? NaN) : NaN;
  }

  /** A step's columns, NaN where missing, as long as nothing is put; undefined out of the ring's reach. */
  row(step: number): Readonly<Float32Array> | undefined {
    if (!this.#reaches(step)) return undefined;
    const start = this.#start(step);
    return this.#values.subarray(start, start + this.width);
  }

  /** Makes a step's values missing. */
  forget(step: number): void {
    if (this.#reaches(step)) this.#clear(step);
  }

  /** How many columns have a value at `step`. */
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
    this.#newest = Math.max(this.#newest, step);
  }

  #clear(step: number): void {
    const start = this.#start(step);
    this.#values.fill(NaN, start, start + this.width);
  }

  /** Where a step's row begins in the ring. */
  #start(step: number): number {
    return (((step % this.capacity) + this.capacity) % this.capacity) * this.width;
  }
}
