import { escapeLines } from '../../daemon/text/visible.ts';
import type { CollectorName } from '../collectors/all.ts';
import type { Health } from '../kernel/programs.ts';

/** The output of `check --format=json`. Stable: fields are only added. */
export interface MachineReport {
  /** `whole`: all enabled collectors are complete. `less`: some are not. `none`: the exporter cannot run. */
  readonly health: Health;
  /** The reason why it cannot run; undefined if it can. */
  readonly reason?: string;
  /** `uname -r` and the architecture. */
  readonly kernel: { readonly release: string; readonly architecture: string };
  readonly btf: { readonly path: string; readonly present: boolean };
  readonly cgroups: CgroupReport;
  readonly capabilities: readonly { readonly name: string; readonly granted: boolean; readonly neededBy: string }[];
  readonly programs: readonly ProgramReport[];
  readonly collectors: readonly CollectorReport[];
}

export interface CgroupReport {
  /** Mount point of cgroup2; undefined if it is not mounted. */
  readonly mount?: string;
  /** A problem with the mount; undefined if there is none. */
  readonly warning?: string;
  /** Hierarchies of the memory and the io controller: `version 2`, a directory of version 1, or `not mounted`. */
  readonly memory: string;
  readonly io: string;
}

export interface ProgramReport {
  readonly program: string;
  readonly runs: boolean;
  /** It could run, but its collectors are unavailable because another program was refused. */
  readonly idle?: boolean;
  /** The step that was refused, the kernel's error name and message, and the remedy; only if it does not run. */
  readonly at?: string;
  readonly errno?: string;
  readonly error?: string;
  readonly remedy?: string;
}

export interface CollectorReport {
  readonly collector: CollectorName;
  /** True if it is enabled with these flags. */
  readonly chosen: boolean;
  readonly health: Health;
  /** The losses; empty if `whole`. */
  readonly lost: readonly string[];
}

/** The program's exit status. */
export const EXIT_STATUS: Readonly<Record<Health, number>> = { whole: 0, less: 1, none: 2 };

const VERDICTS: Readonly<Record<Health, string>> = {
  whole: 'every enabled collector exports everything',
  less: 'the exporter runs, but does not export everything',
  none: 'the exporter cannot run',
};
const HEALTHS: Readonly<Record<Health, string>> = { whole: 'complete', less: 'partial', none: 'unavailable' };

/** The report as text. Lines have at most 120 characters, unless the kernel's message is longer. */
export function renderReport(report: MachineReport): string {
  const { health, reason, kernel, btf, cgroups } = report;
  const machine = [
    ['kernel', `${kernel.release} ${kernel.architecture}`],
    ['BTF', btf.present ? btf.path : `missing: ${btf.path}`],
    ['cgroup2', cgroups.mount ?? 'not mounted'],
    ['memory controller', cgroups.memory],
    ['io controller', cgroups.io],
  ].map(([what = '', value = '']) => `  ${what.padEnd(18)}${value}`);
  if (cgroups.warning !== undefined) machine.push(`  ${''.padEnd(18)}${cgroups.warning}`);
  const lines = [
    'Machine',
    ...machine,
    '',
    'Capabilities',
    ...report.capabilities.map(
      ({ name, granted, neededBy }) => `  ${name.padEnd(22)}${(granted ? 'yes' : 'no').padEnd(5)}${neededBy}`,
    ),
    '',
    'Programs',
    ...report.programs.flatMap(programLines),
    '',
    'Collectors',
    ...report.collectors.map(collectorLine),
    '',
    `${VERDICTS[health]}${reason === undefined ? '' : `: ${reason}`}`,
    '',
  ];
  // Paths are whatever somebody mounted.
  return escapeLines(lines.join('\n'));
}

function programLines({ program, runs, idle, at, error, remedy }: ProgramReport): readonly string[] {
  const name = `  ${program.padEnd(28)}`;
  if (runs) return [`${name}runs`];
  if (idle === true) return [`${name}not needed: a program that it depends on is refused`];
  return at === undefined ? [`${name}not tried`] : [`${name}refused at ${at}: ${error}`, `${' '.repeat(30)}${remedy}`];
}

function collectorLine({ collector, chosen, health, lost }: CollectorReport): string {
  const state = `${HEALTHS[health]}${chosen ? '' : ' (off)'}`;
  const losses = health === 'less' ? `without ${lost.join('; ')}` : '';
  return `  ${collector.padEnd(18)}${state.padEnd(19)}${losses}`.trimEnd();
}
