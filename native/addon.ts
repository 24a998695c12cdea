import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BpfError } from './error.ts';
import type { CheckedOptions } from './options.ts';

/** A map of an object; `index` identifies it in other calls. */
export interface NativeMap {
  readonly index: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly capacity: number;
}

export interface ProgramStats {
  readonly name: string;
  /** Runs and their time; the kernel counts them only while the sysctl `kernel.bpf_stats_enabled` is 1. */
  readonly runCount: number;
  readonly runTimeNs: number;
  /** Instructions that the verifier processed; its limit is a million. */
  readonly verifiedInstructions: number;
  /** Runs skipped by the kernel because the program was already running on that CPU. */
  readonly recursionMisses: number;
}

/** The addon's class. Every method throws BpfError; after `close()` with code BPF_CLOSED. */
export interface NativeObject {
  programs(): string[];
  refused(): [program: string, error: BpfError][];
  attach(program: string): void;
  detach(program: string): void;
  run(program: string): void;
  maps(): string[];
  map(name: string): NativeMap;
  readIterator(program: string): Promise<Buffer>;
  programStats(): ProgramStats[];
  readSums(map: number): { count: number; keys: Buffer; words: Float64Array };
  read(map: number): { count: number; keys: Buffer; values: Buffer };
  update(map: number, key: Uint8Array, value: Uint8Array): void;
  delete(map: number, key: Uint8Array): boolean;
  close(): void;
}

interface Addon {
  readonly BpfObject: new (
    path: string,
    maxEntries: CheckedOptions['maxEntries'],
    constants: CheckedOptions['constants'],
    disabled: CheckedOptions['disabled'],
  ) => NativeObject;
  dropCapabilities(keep: bigint): void;
  setErrorClass(errorClass: typeof BpfError): void;
}

/** This file's directory: `dist` in a bundle, `native` when run from source. */
const HERE = dirname(fileURLToPath(import.meta.url));
let loaded: Addon | undefined;

/** Loads the addon at its first use, so that a program can print its help without a built addon. */
export function loadAddon(): Addon {
  if (loaded === undefined) {
    const path = firstExisting([
      join(HERE, 'lorikeet_native.node'),
      join(HERE, 'build/Release/lorikeet_native.node'),
      join(HERE, '../dist/lorikeet_native.node'),
    ]);
    loaded = createRequire(import.meta.url)(path) as Addon;
    loaded.setErrorClass(BpfError);
  }
  return loaded;
}

/** Absolute path of the built BPF object: next to the bundled program, or in `dist` when run from source. */
export function defaultObjectPath(): string {
  return firstExisting([join(HERE, 'lorikeet.bpf.o'), join(HERE, '../dist/lorikeet.bpf.o')]);
}

/** The first path that exists. If none does, the first one, so that the error of opening it has a name. */
function firstExisting(paths: readonly [string, ...string[]]): string {
  return paths.find((path) => existsSync(path)) ?? paths[0];
}
