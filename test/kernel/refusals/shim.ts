import { execFileSync } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { defaultObjectPath } from '../../../native/index.ts';

/** Relative to the repository, in which npm and vitest run. */
const SOURCE = 'test/kernel/refusals/refuse-bpf.c';

/** Compiles refuse-bpf.c for preloading into `folder` and returns its path. */
export function compileShim(folder: string): string {
  const shim = join(folder, 'refuse-bpf.so');
  execFileSync('gcc', ['-shared', '-fPIC', '-Wall', '-Werror', SOURCE, '-o', shim, '-ldl']);
  return shim;
}

export const STAGES = ['load', 'attach'] as const;

/** Maximum length of a name in the kernel. */
const NAME_LENGTH = 15;

/** A rule for the shim: refuses a program of the object at a stage with an error such as `EPERM`. */
export function refusal(stage: (typeof STAGES)[number], program: string, error: string): string {
  const short = program.slice(0, NAME_LENGTH);
  const alike = inLoadOrder().filter((name) => name.slice(0, NAME_LENGTH) === short);
  return `${stage}:${short}#${alike.indexOf(program) + 1}:${errno(error)}`;
}

/** A rule that refuses `target`, such as `bpf` or `map:edges`. */
export function refusalOf(target: string, error: string): string {
  return `${target}:${errno(error)}`;
}

function errno(name: string): number {
  const number = (constants.errno as Readonly<Record<string, number>>)[name];
  if (number === undefined) throw new Error(`no error ${name}`);
  return number;
}

let order: readonly string[] | undefined;

/** The programs in libbpf's load order: by section in the order of the object, then by offset. */
function inLoadOrder(): readonly string[] {
  if (order !== undefined) return order;
  const dump = (what: string) => execFileSync('llvm-objdump', [what, defaultObjectPath()], { encoding: 'utf8' });
  const sections = [...dump('--section-headers').matchAll(/^\s*\d+ (\S+)/gm)].map(([, name = '']) => name);
  const symbols = [...dump('--syms').matchAll(/^([0-9a-f]+) g\s+F (\S+)\s+[0-9a-f]+ (?:\.hidden )?(\S+)$/gm)];
  return (order = symbols
    .map(([, offset = '', section = '', name = '']) => ({ place: parseInt(offset, 16), section, name }))
    .toSorted((a, b) => sections.indexOf(a.section) - sections.indexOf(b.section) || a.place - b.place)
    .map(({ name }) => name));
}
