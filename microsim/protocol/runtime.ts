import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Languages of the simulated services: different programs with the same requests, faults and counts. */
export const RUNTIMES = ['typescript', 'python'] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** A small heap and a fixed threshold for mmap (see `ENVIRONMENT`) keep a process near 45 MB. */
const NODE_FLAGS = ['--max-old-space-size=64', '--max-semi-space-size=1', '--expose-gc'];

/** With a fixed threshold for mmap, freed leaks return to the kernel. */
export const ENVIRONMENT = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072', UV_THREADPOOL_SIZE: '1' };

/** The command of a bundled program. @param programs the directory of the bundles */
export function nodeCommand(programs: string, program: string, node = process.execPath): string[] {
  return [node, ...NODE_FLAGS, join(programs, `${program}.js`)];
}

/** The command of a service, without its configuration file. */
export function serviceCommand(runtime: Runtime, programs: string): string[] {
  switch (runtime) {
    case 'typescript':
      return nodeCommand(programs, 'lorikeet-sim-service');
    case 'python':
      // -B: writes no bytecode into the source directory.
      return ['python3', '-B', besidePrograms(programs, 'runtimes/python/service.py')];
  }
}

/** The path of a bundled file: next to the bundles, or in the sources. */
export function besidePrograms(programs: string, path: string): string {
  const bundled = join(programs, path);
  return existsSync(bundled) ? bundled : join(programs, '../microsim', path);
}
