import type { CounterMap } from '../accounting/ledger.ts';
import { CGROUP_INFO_SIZE } from '../identity/leaf.ts';

/** A map with rows written by the test, in the form returned by native. */
export class MemoryMap implements CounterMap {
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly rows = new Map<string, number[]>();
  capacity = Infinity;

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
export function edgeKey(cgroup: bigint, address: string, port: number, netns = 0): Buffer {
  const key = Buffer.alloc(32);
  key.writeBigUInt64LE(cgroup);
  key.write(address, 8, 'latin1');
  key.writeUInt16LE(port, 24);
  key.writeUInt32LE(netns, 28);
  return key;
}

/** `struct listener_key` of bpf/shared/tcp.h. */
export function listenerKey(cgroup: bigint, port: number): Buffer {
  const key = Buffer.alloc(16);
  key.writeBigUInt64LE(cgroup);
  key.writeUInt16LE(port, 8);
  return key;
}

/** A plain map with rows written by the test. */
export class MemoryPlainMap {
  readonly rows = new Map<bigint, Buffer>();

  read() {
    const keys = Buffer.alloc(8 * this.rows.size);
    for (const [index, id] of [...this.rows.keys()].entries()) keys.writeBigUInt64LE(id, 8 * index);
    return { count: this.rows.size, keys, values: Buffer.concat([...this.rows.values()]) };
  }

  /** Keys may have 4 bytes. */
  update(key: Uint8Array, value: Uint8Array): boolean {
    this.rows.set(idOf(key), Buffer.from(value));
    return true;
  }

  delete(key: Uint8Array): boolean {
    return this.rows.delete(idOf(key));
  }
}

function idOf(key: Uint8Array): bigint {
  const bytes = Buffer.from(key);
  return bytes.length === 4 ? BigInt(bytes.readUInt32LE()) : bytes.readBigUInt64LE();
}

/** The kernel's map of cgroups. */
export class MemoryCgroups extends MemoryPlainMap {
  capacity = 4096;

  /** Records a new cgroup. */
  record(id: bigint, ancestors: readonly bigint[]): void {
    const info = Buffer.alloc(CGROUP_INFO_SIZE);
    for (const [level, ancestor] of ancestors.entries()) info.writeBigUInt64LE(ancestor, 8 * level);
    this.rows.set(id, info);
  }

  /** Sets what the kernel programs count of a cgroup, see `struct cgroup_info`. */
  countRows(id: bigint, { edges = 0, refusedEdges = 0 }): void {
    const info = this.rows.get(id) as Buffer;
    info.writeInt32LE(edges, 100);
    info.writeUInt32LE(refusedEdges, 116);
  }
}

/** The kernel's map of paths of new cgroups. */
export class MemoryPaths extends MemoryPlainMap {
  /** `names` begin with the cgroup's own. */
  record(id: bigint, names: readonly string[]): void {
    const value = Buffer.alloc(772);
    const text = names.map((name) => `${name}\0`).join('');
    value.writeUInt32LE(Buffer.byteLength(text));
    value.write(text, 4);
    this.rows.set(id, value);
  }
}
