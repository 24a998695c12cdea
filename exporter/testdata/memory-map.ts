import type { CounterMap } from '../accounting/ledger.ts';

/** A map with rows written by the test, in the form returned by native. */
export class MemoryMap implements CounterMap {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly rows = new Map<string, number[]>();

  constructor(name: string, keySize: number, words: number) {
    this.name = name;
    this.keySize = keySize;
    this.valueSize = 8 * words;
  }

  /** Adds `words` at their indices to the row of `key`. */
  count(key: Buffer, words: Readonly<Record<number, number>>): void {
    const name = key.toString('latin1');
    const row = this.rows.get(name) ?? Array.from({ length: this.valueSize / 8 }, () => 0);
    for (const [index, value] of Object.entries(words)) row[Number(index)] = (row[Number(index)] ?? 0) + value;
    this.rows.set(name, row);
  }

  readSums() {
    return {
      count: this.rows.size,
      keys: Buffer.concat([...this.rows.keys()].map((name) => Buffer.from(name, 'latin1'))),
      words: Float64Array.from([...this.rows.values()].flat()),
    };
  }

  delete(key: Uint8Array): boolean {
    return this.rows.delete(Buffer.from(key).toString('latin1'));
  }
}

/** The key of maps of counters by cgroup. */
export function cgroupKey(cgroup: bigint): Buffer {
  const key = Buffer.alloc(8);
  key.writeBigUInt64LE(cgroup);
  return key;
}

/** `struct service_key` of bpf/shared/attribution.h. */
export function serviceKey(cgroup: bigint, role: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeBigUInt64LE(cgroup);
  key.writeUInt32LE(role, 8);
  return key;
}

/** `struct edge_key`; `address` is 16 bytes as a latin1 string. */
export function edgeKey(cgroup: bigint, address: string, port: number): Buffer {
  const key = Buffer.alloc(32);
  key.writeBigUInt64LE(cgroup);
  key.write(address, 8, 'latin1');
  key.writeUInt16LE(port, 24);
  return key;
}

/** `struct listener_key` of bpf/shared/tcp.h. */
export function listenerKey(cgroup: bigint, port: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeBigUInt64LE(cgroup);
  key.writeUInt16LE(port, 8);
  return key;
}

/** The kernel's map of cgroups. */
export class MemoryCgroups {
  capacity = 4096;
  readonly rows = new Map<bigint, readonly bigint[]>();

  read() {
    const keys = Buffer.alloc(8 * this.rows.size);
    const values = Buffer.alloc(96 * this.rows.size);
    for (const [index, [id, ancestors]] of [...this.rows].entries()) {
      keys.writeBigUInt64LE(id, 8 * index);
      for (const [level, ancestor] of ancestors.entries()) values.writeBigUInt64LE(ancestor, 96 * index + 8 * level);
    }
    return { count: this.rows.size, keys, values };
  }

  delete(key: Uint8Array): boolean {
    return this.rows.delete(Buffer.from(key).readBigUInt64LE());
  }
}
