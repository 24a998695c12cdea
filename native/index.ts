import { loadAddon } from './addon.ts';
import type { BpfError } from './error.ts';
import type { NativeMap, NativeObject, ProgramStats } from './addon.ts';
import { checkOptions } from './options.ts';
import type { OpenOptions } from './options.ts';

export { defaultObjectPath } from './addon.ts';
export { capabilityMask, dropCapabilities } from './capabilities.ts';
export type { Capability } from './capabilities.ts';
export type { ProgramStats } from './addon.ts';
export { BpfError } from './error.ts';
export type { BpfErrorCode } from './error.ts';
export type { OpenOptions } from './options.ts';

/**
 * A loaded BPF object file: its programs, not yet attached, and its maps.
 *
 * @example
 * const bpf = BpfObject.open(defaultObjectPath(), { maxEntries: { edges: 4096 } });
 * for (const program of bpf.programs) bpf.attach(program);
 * const { count, keys, words } = bpf.map('services').readSums();
 * bpf.close();
 */
export class BpfObject {
  /**
   * The loaded programs. Not loaded are programs that are disabled by an option, have no hook in this kernel, are tagged for other kernels (bpf/shared/core_fixes.bpf.h), or were refused: attaching one of these throws
   * BPF_ATTACH with errno ENOENT.
   */
  readonly programs: readonly string[];
  /** Programs with a hook that the kernel refused: name -> BPF_LOAD error, with the verifier's log. */
  readonly refused: ReadonlyMap<string, BpfError>;
  /** The maps, without those that the kernel refused. */
  readonly maps: readonly string[];
  readonly #native: NativeObject;

  private constructor(native: NativeObject) {
    this.#native = native;
    this.programs = native.programs();
    this.refused = new Map(native.refused());
    this.maps = native.maps();
  }

  /**
   * Opens the file and loads its maps and programs into the kernel, except those that the kernel refuses.
   *
   * @throws BpfError BPF_OPEN: no such file, not a BPF object, or an option with an unknown name.
   * @throws BpfError BPF_REFUSED: bpf(2) is refused as a whole.
   * @throws BpfError BPF_LOAD: another failure to load, such as no free descriptor.
   * @throws TypeError or RangeError: an option's value is invalid for any object.
   */
  static open(path: string, options: OpenOptions = {}): BpfObject {
    if (typeof path !== 'string') throw new TypeError(`path: expected a string, got ${typeof path}`);
    const { maxEntries, constants, disabled } = checkOptions(options);
    const { BpfObject: Native } = loadAddon();
    return new BpfObject(new Native(path, maxEntries, constants, disabled));
  }

  /**
   * An iterator only becomes readable. A program without a hook is run once as a test.
   *
   * @throws BpfError BPF_ATTACH: unknown, not loaded, already attached (EALREADY), or the kernel refused.
   */
  attach(program: string): void {
    this.#native.attach(program);
  }

  /** Detaches a program; it stays loaded. Does nothing if it is not attached. */
  detach(program: string): void {
    this.#native.detach(program);
  }

  /**
   * Runs a program without a hook once (`SEC("raw_tp")`, which is never attached).
   *
   * @throws BpfError BPF_RUN: unknown, not loaded, of a type that cannot be run like this, or the kernel refused.
   */
  run(program: string): void {
    this.#native.run(program);
  }

  /**
   * Reads an attached iterator to its end on a thread of its own, and returns its program's output. Continues to its
   * end if the object is closed in the meantime.
   *
   * @throws BpfError BPF_ITERATOR at once: not attached (ENOENT), not an iterator, no descriptor left.
   * @returns a promise that rejects with BpfError BPF_ITERATOR if reading fails.
   */
  readIterator(program: string): Promise<Buffer> {
    return this.#native.readIterator(program);
  }

  /** @throws BpfError BPF_MAP with errno ENOENT if the object has no such map. */
  map(name: string): BpfMap {
    return new BpfMap(this.#native, name, this.#native.map(name));
  }

  /** Counters of the loaded programs, in the order of `programs`. */
  programStats(): readonly ProgramStats[] {
    return this.#native.programStats();
  }

  /** Detaches and frees everything. Idempotent; afterwards every other call throws BPF_CLOSED. */
  close(): void {
    this.#native.close();
  }
}

/** A map of an object; usable while the object is open. */
export class BpfMap {
  readonly name: string;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes, of one CPU's value where the map is per-CPU. */
  readonly valueSize: number;
  /** Entries. */
  readonly capacity: number;
  readonly #native: NativeObject;
  readonly #index: number;

  /** Made by `BpfObject.map` only. */
  constructor(native: NativeObject, name: string, { index, keySize, valueSize, capacity }: NativeMap) {
    this.name = name;
    this.keySize = keySize;
    this.valueSize = valueSize;
    this.capacity = capacity;
    this.#native = native;
    this.#index = index;
  }

  /**
   * All rows of a per-CPU map with u64 words as values, summed over the CPUs. `keys` has count * keySize
   * bytes, `words` count * valueSize / 8 numbers, exact up to 2^53.
   *
   * @throws BpfError BPF_MAP, EINVAL if the map is not per-CPU or its value is not made of words.
   */
  readSums(): { readonly count: number; readonly keys: Buffer; readonly words: Float64Array } {
    return this.#native.readSums(this.#index);
  }

  /**
   * All rows of a plain map: count * keySize and count * valueSize bytes.
   *
   * @throws BpfError BPF_MAP, EINVAL if the map is per-CPU.
   */
  read(): { readonly count: number; readonly keys: Buffer; readonly values: Buffer } {
    return this.#native.read(this.#index);
  }

  /**
   * Writes a row of a plain map, not of a per-CPU map, which has a value for each CPU.
   *
   * @throws RangeError if a size is wrong.
   * @throws BpfError BPF_MAP: EINVAL for a per-CPU map, E2BIG for a full one.
   */
  update(key: Uint8Array, value: Uint8Array): void {
    this.#checkSize('key', key, this.keySize);
    this.#checkSize('value', value, this.valueSize);
    this.#native.update(this.#index, key, value);
  }

  /**
   * @returns true if the row existed.
   * @throws RangeError if the key's size is wrong.
   */
  delete(key: Uint8Array): boolean {
    this.#checkSize('key', key, this.keySize);
    return this.#native.delete(this.#index, key);
  }

  #checkSize(what: string, bytes: Uint8Array, size: number): void {
    if (!(bytes instanceof Uint8Array) || bytes.length !== size) {
      throw new RangeError(`map ${this.name}: expected a ${what} of ${size} bytes`);
    }
  }
}
