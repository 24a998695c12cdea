import { setImmediate } from 'node:timers/promises';
import { targetLabels } from '../accounting/accounts.ts';
import type { Collector } from '../scrape/collector.ts';
import { series, type Series } from '../scrape/exposition.ts';
import type { Directory } from '../identity/directory.ts';
import type { LocalTarget } from '../identity/local-targets.ts';
import { cpuSeconds, memoryBytes } from '../cgroups/resources.ts';
import { describeCollector } from './descriptor.ts';

const CPU = 'lorikeet_container_cpu_seconds_total';
const MEMORY = 'lorikeet_container_memory_bytes';

interface Lines {
  readonly cpu: Series;
  readonly memory: Series;
}

/**
 * Kernel files are read synchronously, at a tenth of the cost. Yields to the event loop after this number of targets.
 */
const TARGETS_A_TURN = 16;

/**
 * CPU time and memory of each target's cgroup.
 *
 * @param memoryRoot the directory of the memory controller's hierarchy, if that is version 1
 */
export function containerCollector(directory: Directory, memoryRoot: string | undefined): Collector {
  const lines = new WeakMap<LocalTarget, Lines>();
  const linesOf = (target: LocalTarget): Lines => {
    let known = lines.get(target);
    if (known === undefined) {
      const labels = targetLabels(target);
      known = { cpu: series(CPU, labels), memory: series(MEMORY, labels) };
      lines.set(target, known);
    }
    return known;
  };
  return {
    name: 'container',
    async collect(out) {
      const targets = [...directory.targets].filter((target) => target.monitored);
      const cpu: [Series, number][] = [];
      const memory: [Series, number][] = [];
      for (const [index, target] of targets.entries()) {
        const seconds = cpuSeconds(target.folder);
        const bytes = memoryBytes(target.folder, memoryRoot && memoryRoot + target.cgroup);
        if (seconds !== undefined) cpu.push([linesOf(target).cpu, seconds]);
        if (bytes !== undefined) memory.push([linesOf(target).memory, bytes]);
        if (index % TARGETS_A_TURN === TARGETS_A_TURN - 1) await setImmediate();
      }
      out.family(CPU, 'counter', 'CPU time used.');
      for (const [line, value] of cpu) out.sample(line, value);
      out.family(
        MEMORY,
        'gauge',
        'Memory: the working set, or the resident memory of the processes where the memory controller is off.',
      );
      for (const [line, value] of memory) out.sample(line, value);
    },
  };
}

export const container = describeCollector({
  name: 'container',
  shows: 'CPU and memory',
  programs: {},
  make: ({ directory, memoryRoot }) => containerCollector(directory, memoryRoot),
});
