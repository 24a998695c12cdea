/**
 * Jobs that wait for their turn, each with its source: the sources take turns. If the queue is full, the newest job of
 * the source with most jobs has to go.
 */
export class FairQueue<T> {
  readonly #limit: number;
  /** In the order of their turns. */
  readonly #jobs = new Map<string, T[]>();
  #size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns the job that has to go, which may be `job` itself; undefined while there is room */
  push(source: string, job: T): T | undefined {
    const own = this.#jobs.get(source) ?? [];
    if (this.#size >= this.#limit) {
      const largest = this.#largest();
      if (largest === undefined || largest.length <= own.length + 1) return job;
      own.push(job);
      this.#jobs.set(source, own);
      return largest.pop();
    }
    own.push(job);
    this.#jobs.set(source, own);
    this.#size++;
    return undefined;
  }

  /** Takes the job whose turn it is. */
  shift(): T | undefined {
    for (const [source, jobs] of this.#jobs) {
      this.#jobs.delete(source);
      const job = jobs.shift();
      // The last in turn from now on.
      if (jobs.length > 0) this.#jobs.set(source, jobs);
      if (job === undefined) continue;
      this.#size--;
      return job;
    }
    return undefined;
  }

  #largest(): T[] | undefined {
    let largest: T[] | undefined;
    for (const jobs of this.#jobs.values()) if (jobs.length > (largest?.length ?? 0)) largest = jobs;
    return largest;
  }
}
