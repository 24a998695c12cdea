import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { UsageError } from '../../daemon/flags.ts';
import { createLogger, describeError } from '../../daemon/logger.ts';
import { BpfError } from '../../native/index.ts';
import { COLLECTORS, NO_IO, type CollectorName } from '../collectors/all.ts';
import type { Config } from '../config.ts';
import { CgroupError } from '../cgroups/cgroup.ts';
import { findCgroupfs, type Cgroupfs } from '../cgroups/cgroupfs.ts';
import { findHierarchy, isUnified, NO_HIERARCHY, type Hierarchy } from '../cgroups/hierarchy.ts';
import { capabilitiesOf, takePrivileges } from '../kernel/privileges.ts';
import { tryPrograms } from '../kernel/probes.ts';
import { lacksSockets, programsOf, type Health } from '../kernel/programs.ts';
import { remedyOf } from '../kernel/refusal.ts';
import { BTF_PATH, RequirementError } from '../kernel/requirements.ts';
import type { Started } from '../kernel/start-programs.ts';
import type { CgroupReport, CollectorReport, MachineReport, ProgramReport } from './report.ts';

/**
 * Inspects this machine: loads and attaches every program briefly, including those of disabled collectors, and leaves
 * nothing behind. First drops the capabilities that the exporter would drop before it loads its programs.
 */
export async function inspectMachine(config: Config): Promise<MachineReport> {
  // Before any are dropped.
  const capabilities = capabilitiesOf(readFileSync('/proc/self/status', 'latin1'));
  const found = tryCgroupfs(config.cgroupfs);
  const cgroups = inspectCgroups(found);
  const machine = {
    kernel: { release: release(), architecture: process.arch },
    btf: { path: BTF_PATH, present: existsSync(BTF_PATH) },
    cgroups,
    capabilities,
  };
  const tried = typeof found === 'string' ? found : await tryAll(config, found.path);
  if (typeof tried === 'string') {
    const programs = programsOf(COLLECTORS).map((program) => ({ program, runs: false }));
    const collectors = COLLECTORS.map(({ name }) => collectorReport(name, config, 'none', ['all']));
    return { health: 'none', reason: tried, ...machine, programs, collectors };
  }
  const collectors = COLLECTORS.map(({ name, hierarchy }) => {
    if (hierarchy === 'io' && cgroups.io === NOT_MOUNTED) {
      return collectorReport(name, config, 'none', [NO_IO]);
    }
    const { health, lost } = tried.health.get(name) ?? { health: 'whole' as const, lost: [] };
    return collectorReport(name, config, health, lost);
  });
  const programs = tried.programs.map((program) => programReport(program, tried));
  return { ...verdict(collectors), ...machine, programs, collectors };
}

const NOT_MOUNTED = 'not mounted';

function inspectCgroups(found: Cgroupfs | string): CgroupReport {
  const { path: mount, warning } = typeof found === 'string' ? {} : found;
  const place = (controller: string): string => {
    const hierarchy = mount === undefined ? undefined : findHierarchy(controller, mount);
    return hierarchy === undefined ? NOT_MOUNTED : isUnified(hierarchy) ? 'version 2' : `version 1, ${hierarchy.root}`;
  };
  return {
    ...(mount !== undefined && { mount }),
    ...(warning !== undefined && { warning }),
    memory: place('memory'),
    io: place('blkio'),
  };
}

/** The mount of cgroup2, or the reason why the exporter would not start. */
function tryCgroupfs(given: string | undefined): Cgroupfs | string {
  try {
    return findCgroupfs(given);
  } catch (error) {
    if (error instanceof UsageError || error instanceof CgroupError) return error.message;
    throw error;
  }
}

/** The result for all programs, or the reason why none could be tried. */
async function tryAll(config: Config, cgroupfs: string): Promise<Started | string> {
  takePrivileges(createLogger({ level: 'error' }));
  const io: Hierarchy | undefined = findHierarchy('blkio', cgroupfs);
  try {
    const ioHierarchy = io?.id ?? NO_HIERARCHY;
    const { maxServices, maxEdges, statusPorts, bpfObject: object } = config;
    const all = { known: COLLECTORS, chosen: COLLECTORS };
    return await tryPrograms({ object, ...all, maxServices, maxEdges, statusPorts, ioHierarchy });
  } catch (error) {
    if (error instanceof RequirementError || error instanceof BpfError) return describeError(error);
    throw error;
  }
}

function programReport(program: string, { running, refusals }: Started): ProgramReport {
  const refusal = refusals.find((one) => one.program === program);
  if (refusal === undefined)
    return running.has(program) ? { program, runs: true } : { program, runs: false, idle: true };
  const { at, error } = refusal;
  return { program, runs: false, at, errno: error.errno, error: error.message, remedy: remedyOf(refusal) };
}

function collectorReport(
  collector: CollectorName,
  { collectors }: Config,
  health: Health,
  lost: readonly string[],
): CollectorReport {
  return { collector, chosen: collectors.has(collector), health, lost };
}

/** The result for the exporter: it starts with all or some of its collectors, or it exits. */
function verdict(reports: readonly CollectorReport[]): Pick<MachineReport, 'health' | 'reason'> {
  const chosen = reports.filter((report) => report.chosen);
  const health = new Map<string, Health>(chosen.map((report) => [report.collector, report.health]));
  const enabled = COLLECTORS.filter(({ name }) => health.has(name));
  if (lacksSockets(enabled, (name) => health.get(name))) {
    return { health: 'none', reason: 'no program that counts sockets runs' };
  }
  return { health: chosen.every((report) => report.health === 'whole') ? 'whole' : 'less' };
}
