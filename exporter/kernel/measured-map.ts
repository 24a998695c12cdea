import type { BpfMap } from '../../native/index.ts';

/** A kernel map of counters that remembers its number of rows at the last read. */
export interface MeasuredMap {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly capacity: number;
  /** Undefined before the first read. */
  readonly entries: number | undefined;
  /** Rows summed over CPUs: `keys` holds count * keySize bytes, `words` count * valueSize / 8 numbers. */
  readSums(): { readonly count: number; readonly keys: Buffer; readonly words: Float64Array };
  delete(key: Uint8Array): boolean;
}

export function measured(map: BpfMap): MeasuredMap {
  let entries: number | undefined;
  return {
    name: map.name,
    keySize: map.keySize,
    valueSize: map.valueSize,
    capacity: map.capacity,
    get entries() {
      return entries;
    },
    readSums() {
      const rows = map.readSums();
      entries = rows.count;
      return rows;
    },
    delete: (key) => map.delete(key),
  };
}
