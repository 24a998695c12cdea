import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import { BpfError, BpfObject } from '../../../native/index.ts';
import { compileBpf } from './compile.ts';

/** A hook that every kernel of the tests has. */
const EVERYWHERE = 'tp_btf/sched_switch';

/** Section -> result of `lackOf`. */
const known = new Map<string, string | undefined>();

/** Skips the test if the kernel does not accept programs of this section, such as `iter/bpf_sk_storage_map`. */
export function needsHook({ skip }: Pick<TestContext, 'skip'>, section: string): void {
  const lack = lackOf(section);
  if (lack !== undefined) skip(lack);
}

/** True if the running kernel accepts programs of this section. */
export function loads(section: string): boolean {
  return lackOf(section) === undefined;
}

/**
 * The reason why the running kernel does not accept programs of this section, found by loading one: some builds have a
 * hook but refuse programs for it.
 *
 * @throws Error if no program can be loaded at all: then the hook is not the cause.
 */
function lackOf(section: string): string | undefined {
  if (!known.has(section)) known.set(section, ask(section));
  const lack = known.get(section);
  if (lack !== undefined && section !== EVERYWHERE && !loads(EVERYWHERE)) {
    throw new Error(`no BPF program can be loaded: ${known.get(EVERYWHERE)}`);
  }
  return lack;
}

function ask(section: string): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), `lorikeet-hook-${process.pid}-`));
  try {
    const bpf = BpfObject.open(compileBpf('hook.bpf.c', folder, `-DHOOK="${section}"`));
    const [refusal] = bpf.refused.values();
    const isLoaded = bpf.programs.length > 0;
    bpf.close();
    if (refusal !== undefined) return `the kernel refuses ${section}: ${refusal.errno}`;
    return isLoaded ? undefined : `the kernel has no ${section}`;
  } catch (error) {
    // bpf(2) is refused as a whole.
    if (!(error instanceof BpfError)) throw error;
    return `the kernel refuses ${section}: ${error.errno}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
