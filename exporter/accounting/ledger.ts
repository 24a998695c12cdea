import type { Leaf } from '../identity/directory.ts';

/** What the exporter needs of a per-CPU kernel map of 64-bit counters; native's BpfMap is one. */
export interface CounterMap {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  /** Rows summed over CPUs: `keys` holds count * keySize bytes, `words` count * valueSize / 8 numbers. */
  readSums(): { readonly count: number; readonly keys: Buffer; readonly words: Float64Array };
  delete(key: Uint8Array): boolean;
}

/** Where counts end up: one series' or one histogram's words, in the layout of the kernel map's value. */
export interface Account {
  readonly words: Float64Array;
}

export interface LedgerOptions<A extends Account> {
  readonly map: CounterMap;
  readonly leafOf: (key: Buffer) => Leaf;
  /**
   * The account of a row, undefined when nobody is known whose it could be. Asked again whenever the directory changes;
   * `previous` is the last answer.
   */
  readonly accountOf: (key: Buffer, leaf: Leaf, previous: A | undefined) => A | undefined;
  /** After so many milliseconds without a change a row leaves the kernel map; its counts stay. Default: never. */
  readonly idleMs?: number;
}

interface Row<A extends Account> {
  readonly key: Buffer;
  readonly leaf: Leaf;
  /** The row's words as last read. */
  readonly last: Float64Array;
  account: A | undefined;
  /** Counts that wait for an account. */
  pending: Float64Array | undefined;
  generation: number;
  changedAt: number;
  pass: number;
}

/** How long a row of a vanished cgroup must stay unchanged: its last sockets may still be closing. */
export const GONE_SETTLE_MS = 5000;

/**
 * Books the increments of a kernel map's rows onto accounts, as double-entry books do. A count belongs for ever to the
 * account it was booked on, so no counter goes down when a row is deleted, its cgroup vanishes or an address changes
 * hands, and rows can leave the kernel map, which stays small.
 */
export class Ledger<A extends Account> {
  readonly #options: LedgerOptions<A>;
  readonly #rows = new Map<string, Row<A>>();
  #pass = 0;

  constructor(options: LedgerOptions<A>) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.size;
  }

  /**
   * Reads the map and books what is new. `generation` changes when an attribution may have changed; `now` is in
   * milliseconds. Returns the number of rows read.
   */
  update(generation: number, now: number): number {
    const { map } = this.#options;
    const { count, keys, words } = map.readSums();
    const width = map.valueSize / 8;
    this.#pass++;
    for (let index = 0; index < count; index++) {
      const start = index * map.keySize;
      const row = this.#rowOf(keys, start, start + map.keySize, width, now);
      row.pass = this.#pass;
      this.#attribute(row, generation);
      if (book(row, words, index * width)) row.changedAt = now;
    }
    this.#sweep(now);
    return count;
  }

  /** Calls `visit` with every row's words as last read and its account. */
  forEach(visit: (account: A | undefined, words: Float64Array, leaf: Leaf) => void): void {
    for (const row of this.#rows.values()) visit(row.account, row.last, row.leaf);
  }

  #rowOf(keys: Buffer, start: number, end: number, width: number, now: number): Row<A> {
    const name = keys.toString('latin1', start, end);
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const key = Buffer.from(keys.subarray(start, end));
    const leaf = this.#options.leafOf(key);
    leaf.rows++;
    const row: Row<A> = {
      key,
      leaf,
      last: new Float64Array(width),
      account: undefined,
      pending: undefined,
      generation: -1,
      changedAt: now,
      pass: 0,
    };
    this.#rows.set(name, row);
    return row;
  }

  #attribute(row: Row<A>, generation: number): void {
    if (row.generation === generation) return;
    row.generation = generation;
    row.account = this.#options.accountOf(row.key, row.leaf, row.account);
    if (row.account === undefined || row.pending === undefined) return;
    add(row.account.words, row.pending);
    row.pending = undefined;
  }

  /** Deletes the rows that nothing will count on any more, and forgets those that have left the map. */
  #sweep(now: number): void {
    const { map, idleMs = Infinity } = this.#options;
    for (const [name, row] of this.#rows) {
      if (row.pass === this.#pass) {
        const quietMs = now - row.changedAt;
        const gone = row.leaf.goneSince !== undefined && now - row.leaf.goneSince >= GONE_SETTLE_MS;
        if (quietMs < idleMs && !(gone && quietMs >= GONE_SETTLE_MS)) continue;
        map.delete(row.key);
      }
      this.#rows.delete(name);
      row.leaf.rows--;
    }
  }
}

/** Books what changed since the last reading; returns whether anything did. */
function book<A extends Account>(row: Row<A>, words: Float64Array, offset: number): boolean {
  const { last } = row;
  let changed = false;
  let restarted = false;
  for (let index = 0; index < last.length; index++) {
    const difference = (words[offset + index] as number) - (last[index] as number);
    if (difference !== 0) changed = true;
    if (difference < 0) restarted = true;
  }
  if (!changed) return false;
  // The row was deleted and made anew between two readings: it counts from zero.
  if (restarted) last.fill(0);
  const target = row.account?.words ?? (row.pending ??= new Float64Array(last.length));
  for (let index = 0; index < last.length; index++) {
    const word = words[offset + index] as number;
    target[index] = (target[index] as number) + word - (last[index] as number);
    last[index] = word;
  }
  return true;
}

function add(target: Float64Array, words: Float64Array): void {
  for (let index = 0; index < words.length; index++)
    target[index] = (target[index] as number) + (words[index] as number);
}
