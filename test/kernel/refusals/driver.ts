/**
 * A process of its own, for what is preloaded into it: opens the product's programs as often as its standard input asks,
 * with what is refused by then, and answers each line with what came of it. A line is a `Request`, an answer an `Answer`.
 */
import { createInterface } from 'node:readline';
import { createLogger, ConditionLog, describeError } from '../../../daemon/logger.ts';
import { runCollector } from '../../../exporter/scrape/collector.ts';
import { parseFlags } from '../../../daemon/flags.ts';
import { FLAGS, readConfig } from '../../../exporter/config.ts';
import { COLLECTOR_NAMES, COLLECTORS } from '../../../exporter/collectors/all.ts';
import { startCounting } from '../../../exporter/app.ts';
import { Exposition } from '../../../exporter/scrape/exposition.ts';
import { findCgroupMount } from '../../../exporter/cgroups/cgroup.ts';
import { findHierarchy, NO_HIERARCHY } from '../../../exporter/cgroups/hierarchy.ts';
import { TargetsFile } from '../../../exporter/identity/targets-file.ts';
import { openProbes, type Probes } from '../../../exporter/kernel/probes.ts';
import { SelfMetrics } from '../../../exporter/scrape/self-metrics.ts';

export interface Request {
  readonly do: 'open' | 'scrape' | 'close';
  /** What is refused from now on, as refuse-bpf.c takes it. Default: nothing more and nothing less. */
  readonly refuse?: string;
}

export interface Answer {
  /** Why nothing runs; undefined where something does. */
  readonly failed?: string;
  /** What was logged since the last answer. */
  readonly log: readonly string[];
  /** Whether each program runs. */
  readonly programs?: Readonly<Record<string, boolean>>;
  /** Whether each collector worked, and the text that they wrote. */
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
  const { maxServices, maxEdges } = config;
  const all = { known: COLLECTORS, chosen: COLLECTORS };
  try {
    const ioHierarchy = io?.id ?? NO_HIERARCHY;
    probes = openProbes({ ...all, cgroupfs, object: undefined, maxServices, maxEdges, ioHierarchy }, logger);
  } catch (error) {
    return { failed: describeError(error) };
  }
  await probes.adopt();
  const conditions = new ConditionLog(logger);
  const self = new SelfMetrics('test');
  const { collectors, targets } = startCounting(config, {
    cgroupfs,
    io,
    sources: [source],
    probes,
    self,
    log: conditions,
  });
  scrape = async () => {
    targets.run();
    const out = new Exposition();
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
