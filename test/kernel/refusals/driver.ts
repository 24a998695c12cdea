/**
 * A separate process, so that the shim can be preloaded: for each `Request` on standard input, opens the exporter's
 * programs with the current refusals and prints the result as an `Answer`.
 */
import { createInterface } from 'node:readline';
import { createLogger, ConditionLog, describeError } from '../../../daemon/logger.ts';
import { runCollector } from '../../../exporter/scrape/collector.ts';
import { parseFlags } from '../../../daemon/flags.ts';
import { FLAGS, readConfig } from '../../../exporter/config.ts';
import { COLLECTOR_NAMES, COLLECTORS } from '../../../exporter/collectors/all.ts';
import { Counting } from '../../../exporter/counting.ts';
import { TextExposition } from '../../../exporter/scrape/text-exposition.ts';
import { findCgroupMount } from '../../../exporter/cgroups/cgroup.ts';
import { findHierarchy, NO_HIERARCHY } from '../../../exporter/cgroups/hierarchy.ts';
import { TargetsFile } from '../../../exporter/identity/targets-file.ts';
import { openProbes, type Probes } from '../../../exporter/kernel/probes.ts';
import { SelfMetrics } from '../../../exporter/scrape/self-metrics.ts';

export interface Request {
  readonly do: 'open' | 'scrape' | 'close';
  /** The refusals from now on, in the format of refuse-bpf.c. Default: unchanged. */
  readonly refuse?: string;
}

export interface Answer {
  /** The reason why nothing runs; undefined if something does. */
  readonly failed?: string;
  /** Log lines since the last answer. */
  readonly log: readonly string[];
  /** Program -> whether it runs. */
  readonly programs?: Readonly<Record<string, boolean>>;
  /** Collector -> whether it succeeded, and the output of all. */
  readonly success?: Readonly<Record<string, boolean>>;
  readonly text?: string;
}

const [targetsPath] = process.argv.slice(2);
if (targetsPath === undefined) throw new Error('expected the path of a targets file');
const config = readConfig(
  parseFlags(
    COLLECTOR_NAMES.map((name) => `--collector.${name}`),
    FLAGS,
  ).values,
);
const cgroupfs = findCgroupMount();
const io = findHierarchy('blkio', cgroupfs);
let log: string[] = [];
const logger = createLogger({ level: 'warn', write: (line) => void log.push(line) });
const source = new TargetsFile(targetsPath, logger);
let probes: Probes | undefined;
let scrape: (() => Promise<Pick<Answer, 'success' | 'text'>>) | undefined;

async function open(): Promise<Omit<Answer, 'log'>> {
  const { maxServices, maxEdges, statusPorts } = config;
  const all = { known: COLLECTORS, chosen: COLLECTORS };
  try {
    const ioHierarchy = io?.id ?? NO_HIERARCHY;
    probes = openProbes({ ...all, object: undefined, maxServices, maxEdges, statusPorts, ioHierarchy }, logger);
  } catch (error) {
    return { failed: describeError(error) };
  }
  const conditions = new ConditionLog(logger);
  const self = new SelfMetrics();
  const counting = new Counting(config, { cgroupfs, io, sources: [source], probes, self, log: conditions });
  counting.refresh();
  await probes.adopt();
  const { collectors, targets } = counting.parts;
  scrape = async () => {
    targets.run();
    const out = new TextExposition();
    const success: Record<string, boolean> = {};
    for (const collector of collectors) {
      const outcome = await runCollector(collector, out, conditions);
      success[outcome.name] = outcome.success;
    }
    return { success, text: out.toString() };
  };
  return { programs: Object.fromEntries(probes.programs) };
}

async function answer(request: Request): Promise<Omit<Answer, 'log'>> {
  if (request.refuse !== undefined) process.env['LORIKEET_REFUSE'] = request.refuse;
  switch (request.do) {
    case 'open':
      return open();
    case 'scrape':
      return (await scrape?.()) ?? {};
    case 'close':
      probes?.close();
      probes = undefined;
      scrape = undefined;
      return {};
  }
}

for await (const line of createInterface(process.stdin)) {
  const answered = await answer(JSON.parse(line) as Request);
  process.stdout.write(`${JSON.stringify({ ...answered, log })}\n`);
  log = [];
}
source.close();
