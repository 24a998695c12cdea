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
 * const { count, keys, words } = bpf.map('requests').readSums();
 * bpf.close();
 */
export class BpfObject {
  /**
   * The programs that were loaded. Left out are those disabled, those that are off by themselves and not enabled, those
   * whose hook this kernel doesn't have, those that are marked as for other kernels (bpf/core_fixes.bpf.h), and those that
   * were refused: attaching one of these throws BPF_ATTACH with errno ENOENT.
   */
  readonly programs: readonly string[];
  /** Why the kernel refused a program that it has a hook for, by program: BPF_LOAD, `verifierLog` in the verifier's words. */
  readonly refused: ReadonlyMap<string, BpfError>;
  readonly #native: NativeObject;

  private constructor(native: NativeObject) {
    this.#native = native;
    this.programs = native.programs();
    this.refused = new Map(native.refused());
  }

  /**
   * Opens the file and loads its maps and programs into the kernel, without those that the kernel refuses.
   *
   * @throws BpfError BPF_OPEN: no such file, not a BPF object, or an option names what it doesn't have.
   * @throws BpfError BPF_REFUSED: bpf(2) is refused as a whole.
   * @throws BpfError BPF_LOAD: not to be loaded for another reason, such as no free descriptor.
   * @throws TypeError or RangeError: an option's value can't be right for any object.
   */
  static open(path: string, options: OpenOptions = {}): BpfObject {
    if (typeof path !== 'string') throw new TypeError(`path: expected a string, got ${typeof path}`);
    const { maxEntries, constants, disabled, enabled } = checkOptions(options);
    const { BpfObject: Native } = loadAddon();
    return new BpfObject(new Native(path, maxEntries, constants, disabled, enabled));
  }

  /**
   * An iterator only gets ready to be read; a program that is on no hook is run once, to see that it can be. A program of
   * cgroups needs `cgroup`, the folder of one: it is for that and all below, beside whatever else is attached there.
   *
   * @throws BpfError BPF_ATTACH: unknown, not loaded, already attached (EALREADY), or the kernel refused.
   */
  attach(program: string, cgroup = ''): void {
    this.#native.attach(program, cgroup);
  }

  /** Takes a program off its hook; it stays loaded. Does nothing where it isn't attached. */
  detach(program: string): void {
    this.#native.detach(program);
  }

  /**
   * Runs a program that is on no hook, once, now (`SEC("raw_tp")`, which is never attached).
   *
   * @throws BpfError BPF_RUN: unknown, not loaded, of a type that can't be run so, or the kernel refused.
   */
  run(program: string): void {
    this.#native.run(program);
  }

  /**
   * Runs an attached iterator over everything that it visits, on a thread of its own, and gives what its program wrote.
   * Goes on to its end when the object is closed meanwhile.
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

  /** Detaches and frees everything. May be called again; every other call throws BPF_CLOSED from then on. */
  close(): void {
    this.#native.close();
  }
}

/** A map of an open object, and of no use once that is closed. */
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
   * All rows of a per-CPU map whose value is made of u64 words, summed over the CPUs. `keys` holds count * keySize
   * bytes, `words` count * valueSize / 8 numbers, exact up to 2^53.
   *
   * @throws BpfError BPF_MAP, EINVAL if the map isn't per-CPU or its value isn't made of words.
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
   * Writes a row of a plain map. A per-CPU map is refused: one value can't be right on every CPU.
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
   * @returns whether there was such a row.
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
