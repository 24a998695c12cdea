import { STATES, type Leaf, type SharedMap } from '../identity/leaf.ts';
import type { Counts } from '../scrape/first-scrapes.ts';

/** A per-CPU kernel map of 64-bit counters; implemented by native's BpfMap. */
export interface CounterMap {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  /** Maximum number of rows; undefined: no limit. */
  readonly capacity?: number;
  /** Rows summed over CPUs: `keys` holds count * keySize bytes, `words` count * valueSize / 8 numbers. */
  readSums(): { readonly count: number; readonly keys: Buffer; readonly words: Float64Array };
  delete(key: Uint8Array): boolean;
}

/** Counts of one series or histogram, in the layout of the kernel map's value. */
export type Account = Counts;

export interface LedgerOptions<A extends Account> {
  readonly map: CounterMap;
  readonly leafOf: (key: Buffer) => Leaf;
  /**
   * The account of a row; undefined if the row cannot be attributed. Called again after each change of the directory;
   * `previous` is the last result.
   */
  readonly accountOf: (key: Buffer, leaf: Leaf, previous: A | undefined) => A | undefined;
  /**
   * Deletes a row from the kernel map after this time without a change, in milliseconds. Its counts stay. Default:
   * never. Rows of unmonitored cgroups are deleted at once. While the map is more than half full, rows without an
   * account are deleted after `UNOWNED_MS`, and idle rows after `PRESSED_IDLE_MS`.
   */
  readonly idleMs?: number;
  /** Set if the kernel programs divide the rows among the cgroups. */
  readonly shared?: SharedMap;
}

interface Row<A extends Account> {
  readonly key: Buffer;
  readonly leaf: Leaf;
  /** The row's words at the last read. */
  readonly last: Float64Array;
  account: A | undefined;
  /** Counts not yet attributed to an account. */
  pending: Float64Array | undefined;
  /** Time before the first of them, in milliseconds. */
  pendingSince: number;
  generation: number;
  readonly since: number;
  changedAt: number;
  pass: number;
}

/**
 * Time without a change, in milliseconds, before a row of a deleted cgroup is deleted: its last sockets may still
 * close.
 */
export const GONE_SETTLE_MS = 5000;

/** Limits while a map is more than half full, in milliseconds. */
export const UNOWNED_MS = 30_000;
export const PRESSED_IDLE_MS = 300_000;

/**
 * Adds the increments of a kernel map's rows to accounts. A count stays with its account, so no counter decreases when
 * a row is deleted, its cgroup is deleted or an address gets another owner. So rows can be deleted to keep the kernel
 * map small.
 */
export class Ledger<A extends Account> {
  readonly #options: LedgerOptions<A>;
  readonly #rows = new Map<string, Row<A>>();
  #pass = 0;
  /** Time of the last read in milliseconds, since the program's start. */
  #readAt = 0;

  constructor(options: LedgerOptions<A>) {
    this.#options = options;
  }

  get size(): number {
    return this.#rows.size;
  }

  /**
   * Reads the map and adds the increments. `generation` changes when an attribution may have changed; `now` is in
   * milliseconds since the program's start. Returns the number of rows read.
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
      if (book(row, words, index * width, this.#readAt)) row.changedAt = row.leaf.changedAt = now;
    }
    this.#readAt = now;
    this.#sweep(now, count > (map.capacity ?? Infinity) / 2);
    return count;
  }

  /** Calls `visit` with each row's words at the last read and its account. */
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
      pendingSince: 0,
      generation: -1,
      since: now,
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
    row.account.since = Math.min(row.account.since ?? Infinity, row.pendingSince);
    row.pending = undefined;
  }

  /** Deletes rows that can no longer change or are no longer needed, and forgets rows that are no longer in the map. */
  #sweep(now: number, isPressed: boolean): void {
    const { map, shared } = this.#options;
    for (const [name, row] of this.#rows) {
      if (row.pass === this.#pass) {
        if (!this.#isDue(row, now, isPressed)) continue;
        map.delete(row.key);
        if (shared !== undefined) row.leaf.freed[shared]++;
      }
      this.#rows.delete(name);
      row.leaf.rows--;
    }
  }

  #isDue({ account, leaf, since, changedAt }: Row<A>, now: number, isPressed: boolean): boolean {
    const { idleMs } = this.#options;
    const quietMs = now - changedAt;
    const gone = leaf.goneSince !== undefined && now - leaf.goneSince >= GONE_SETTLE_MS;
    if (gone && quietMs >= GONE_SETTLE_MS) return true;
    if (idleMs === undefined) return false;
    if (account === undefined && (leaf.state === STATES.unmonitored || (isPressed && now - since >= UNOWNED_MS)))
      return true;
    return quietMs >= (isPressed ? Math.min(idleMs, PRESSED_IDLE_MS) : idleMs);
  }
}

/** Adds the increments since the last read, at `readAt`. Returns true if there were any. */
function book<A extends Account>(row: Row<A>, words: Float64Array, offset: number, readAt: number): boolean {
  const { last } = row;
  let changed = false;
  let restarted = false;
  for (let index = 0; index < last.length; index++) {
    const difference = (words[offset + index] as number) - (last[index] as number);
    if (difference !== 0) changed = true;
    if (difference < 0) restarted = true;
  }
  if (!changed) return false;
  // The row was deleted and made again between two reads: it counts from zero.
  if (restarted) last.fill(0);
  const target = wordsFor(row, readAt);
  for (let index = 0; index < last.length; index++) {
    const word = words[offset + index] as number;
    target[index] = (target[index] as number) + word - (last[index] as number);
    last[index] = word;
  }
  return true;
}

/** Where to add increments that began after `readAt`. */
function wordsFor<A extends Account>(row: Row<A>, readAt: number): Float64Array {
  if (row.account !== undefined) {
    row.account.since ??= readAt;
    return row.account.words;
  }
  if (row.pending === undefined) {
    row.pending = new Float64Array(row.last.length);
    row.pendingSince = readAt;
  }
  return row.pending;
}

function add(target: Float64Array, words: Float64Array): void {
  for (let index = 0; index < words.length; index++)
    target[index] = (target[index] as number) + (words[index] as number);
}
