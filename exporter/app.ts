import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { ConfigError } from '../daemon/config-file.ts';
import { createWebApp, listen, ScrapeAbort, type MetricsPage, type Scrape } from '../daemon/http-server/web-app.ts';
import type { StopStack } from '../daemon/lifecycle.ts';
import { ConditionLog, type Logger } from '../daemon/logger.ts';
import { WebConfigFile } from '../daemon/web-config/web-config-file.ts';
import { runCollector, unavailable, type Collector } from './scrape/collector.ts';
import { makeCollectors, type Parts } from './collectors/all.ts';
import type { Config } from './config.ts';
import { Exposition } from './scrape/exposition.ts';
import { cgroupfsWarning, findCgroupMount } from './cgroups/cgroup.ts';
import { Directory } from './identity/directory.ts';
import { findHierarchy, isUnified, NO_HIERARCHY, type Hierarchy } from './cgroups/hierarchy.ts';
import { inCluster, type Credentials } from './identity/kubernetes/credentials.ts';
import { type KubernetesOptions, KubernetesSource } from './identity/kubernetes/kubernetes-source.ts';
import type { TargetSource } from './identity/target.ts';
import { TargetsFile } from './identity/targets-file.ts';
import { dropPrivileges, takePrivileges } from './kernel/privileges.ts';
import { openProbes, type Probes } from './kernel/probes.ts';
import { ExporterMemory } from './memory/exporter-memory.ts';
import { SelfMetrics } from './scrape/self-metrics.ts';

export interface ExporterContext {
  readonly version: string;
  readonly logger: Logger;
  /** Gets what undoes the start, also when that fails half-way. */
  readonly stops: StopStack;
}

export interface Exporter {
  /** Where it listens, `host:port`. */
  readonly address: string;
  /** Reads the targets anew. @throws ConfigError, and keeps the last good ones. */
  reload(): void;
  /** Renders /metrics. @throws ScrapeAbort when the client has left. */
  scrape(request: Scrape): Promise<MetricsPage>;
}

/**
 * Starts the exporter: web configuration, targets, kernel programs, web server, in this order; what can fail through the user comes first.
 *
 * @throws ConfigError, CgroupError, RequirementError, BpfError, ListenError
 */
export async function startExporter(config: Config, context: ExporterContext): Promise<Exporter> {
  const { version, logger, stops } = context;
  const ownMemory = new ExporterMemory(logger);
  const web = config.webConfigFile === undefined ? undefined : new WebConfigFile(config.webConfigFile, logger);
  const file = openTargets(config, context);
  const cgroupfs = resolve(config.cgroupfs ?? findCgroupMount());
  const warning = cgroupfsWarning(cgroupfs);
  if (warning !== undefined) logger.warn(warning, { path: cgroupfs });
  // Reading thousands of objects at once is a start of its own.
  const onReady = (): void => ownMemory.release();
  const kubernetes = await openKubernetes(config, { ...context, cgroupfs, onReady });
  const io = findHierarchy('blkio', cgroupfs);
  takePrivileges(logger);
  const probes = openProbes(
    { ...config, cgroupfs, object: config.bpfObject, ioHierarchy: io?.id ?? NO_HIERARCHY },
    logger,
  );
  stops.onStop('kernel programs', () => probes.close());
  await probes.adopt();

  const self = new SelfMetrics(version);
  self.programs(probes.programs);
  const sources = [file, kubernetes].filter((source) => source !== undefined);
  const directory = new Directory({ sources, cgroupfs, cgroups: probes.cgroups });
  const ioDirectory = io && config.collectors.has('block_requests') ? openIoDirectory(io, sources, probes) : undefined;
  const memory = findHierarchy('memory', cgroupfs);
  const parts = { directory, ioDirectory, memory, probes, self };
  const directories = ioDirectory === undefined ? [directory] : [directory, ioDirectory];
  const now = () => performance.now();
  const collectors = [identityStep(directories, now), ...makeCollectors(config, parts), mapsStep(parts)];
  const log = new ConditionLog(logger);
  for (const source of sources) source.beforeChange(() => bookAll(directory, collectors, log));
  kubernetes?.start();

  // Scrapes that overlap need a buffer each; what is free is used again.
  const free: Exposition[] = [];
  const release = (out: Exposition): void => {
    if (free.length < KEPT_BUFFERS) free.push(out);
    ownMemory.tidy();
  };
  const render = async (out: Exposition, { format, signal }: Scrape): Promise<MetricsPage> => {
    out.begin(format);
    for (const collector of collectors) {
      if (clientLeft(signal)) throw signal.reason;
      // What there is no time left for counts as failed; the client gets the rest.
      const step = signal.aborted ? unavailable(collector.name, signal.reason as Error) : collector;
      self.collector(await runCollector(step, out, log));
      // Each collector is a few milliseconds of work on end: others get their turn between two.
      await setImmediate();
    }
    self.series(out.count);
    if (file !== undefined) self.targetsReload(file.lastReloadSuccessful);
    if (kubernetes !== undefined) self.kubernetes(kubernetes);
    out.append(await self.render());
    out.end();
    return { contentType: out.contentType, body: out.bytes(), release: () => release(out) };
  };
  const scrape = async (request: Scrape): Promise<MetricsPage> => {
    const out = free.pop() ?? new Exposition();
    try {
      return await render(out, request);
    } catch (error) {
      release(out);
      throw error;
    }
  };
  const reload = (): void => file?.reload();

  const app = createWebApp({
    name: 'lorikeet-exporter',
    description: 'Requests, connections and resources of services, counted in the kernel.',
    metrics: scrape,
    ready: () => kubernetes?.ready ?? true,
    reload,
    enableLifecycle: config.enableLifecycle,
    ...(web !== undefined && { before: [web.before] }),
    logger,
  });
  // The first scrape renders every series' name and logs what doesn't work here: better now than in somebody's timeout.
  (await scrape({ format: 'text', signal: new AbortController().signal })).release?.();
  const createServer = web?.createServer;
  const listener = await listen(app, config.listenAddress, createServer && { createServer });
  stops.onStop('web server', () => listener.close());
  dropPrivileges(logger);
  ownMemory.release();
  logger.info('listening', { address: listener.address, tls: web?.tls === true, cgroupfs });
  return { address: listener.address, reload, scrape };
}

/** Buffers of several megabytes, kept for the next scrapes: one is in use nearly always, two with a pair of servers. */
const KEPT_BUFFERS = 2;

function clientLeft(signal: AbortSignal): boolean {
  return signal.reason instanceof ScrapeAbort && signal.reason.code === 'CLIENT_LEFT';
}

function openTargets(config: Config, { logger, stops }: ExporterContext): TargetsFile | undefined {
  if (config.targetsFile === undefined) {
    if (config.kubernetes === undefined)
      logger.warn('no targets: every socket is unattributed without --targets.file or --kubernetes.in-cluster');
    return undefined;
  }
  const file = new TargetsFile(config.targetsFile, logger);
  stops.onStop('targets file', () => file.close());
  logger.info('targets loaded', { file: config.targetsFile, targets: file.targets.length });
  return file;
}

async function openKubernetes(
  { kubernetes }: Config,
  { version, logger, stops, cgroupfs, onReady }: ExporterContext & Pick<KubernetesOptions, 'cgroupfs' | 'onReady'>,
): Promise<KubernetesSource | undefined> {
  if (kubernetes === undefined) return undefined;
  const credentials = await openCredentials(kubernetes.kubeconfig);
  const userAgent = `lorikeet-exporter/${version}`;
  const source = new KubernetesSource({ ...kubernetes, credentials, cgroupfs, userAgent, logger, onReady });
  stops.onStop('Kubernetes API', () => source.close());
  return source;
}

async function openCredentials(kubeconfig: string | undefined): Promise<Credentials> {
  if (kubeconfig === undefined) return inCluster(process.env);
  const { fromKubeconfig } = await import('./identity/kubernetes/kubeconfig.ts');
  try {
    return fromKubeconfig(kubeconfig);
  } catch (error) {
    throw new ConfigError(`${kubeconfig}: not a usable kubeconfig`, { cause: error });
  }
}

/**
 * Block requests are told by the cgroups of the hierarchy that the io controller is in. Those of a cgroup for which it
 * isn't turned on are the kernel's for one above it, so that such a target has none to show.
 */
function openIoDirectory(io: Hierarchy, sources: readonly TargetSource[], probes: Probes): Directory {
  return new Directory({
    sources,
    cgroupfs: io.root,
    cgroups: probes.blockCgroups,
    ...(isUnified(io) && { requiredFile: 'io.stat' }),
  });
}

/** First of every scrape: who is here now. When it fails, the collectors go on with whom they knew. */
function identityStep(directories: readonly Directory[], now: () => number): Collector {
  return {
    name: 'identity',
    collect() {
      for (const directory of directories) directory.refresh(now());
    },
  };
}

/** Whatever fails here the next scrape will tell; the targets change all the same. */
function bookAll(directory: Directory, collectors: readonly Collector[], log: ConditionLog): void {
  try {
    directory.refresh(performance.now());
    for (const collector of collectors) collector.book?.();
    log.recovered('book', 'counts are booked before targets change again');
  } catch (error) {
    log.failing('book', 'counts not booked before targets changed', error);
  }
}

/** Last of every scrape: how full the kernel maps are that the others have read. */
function mapsStep({ directory, ioDirectory, probes, self }: Parts): Collector {
  return {
    name: 'maps',
    collect() {
      const { requests, edges, tcp, listeners, acceptQueues, httpResponses } = probes;
      const counters = Object.values(probes.cgroupCounters);
      for (const { name, entries, capacity } of [
        requests,
        edges,
        tcp,
        listeners,
        acceptQueues,
        httpResponses,
        ...counters,
      ]) {
        // A map that no collector has read isn't in use.
        if (entries !== undefined) self.map(name, entries, capacity);
      }
      self.map('cgroups', directory.cgroupRows, probes.cgroups.capacity);
      const blockCgroups = ioDirectory?.cgroupRows;
      if (blockCgroups !== undefined) self.map('block_cgroups', blockCgroups, probes.blockCgroups.capacity);
      self.lost(probes.lost());
      self.unattributedEvents(probes.unattributed());
    },
  };
}
