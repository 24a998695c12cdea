import type { App } from '../daemon/command.ts';
import { createWebApp, listen } from '../daemon/http-server/web-app.ts';
import { StopStack } from '../daemon/lifecycle.ts';
import { ConditionLog, type Logger } from '../daemon/logger.ts';
import { VERSION } from '../daemon/version.ts';
import { WebConfigFile } from '../daemon/web-config/web-config-file.ts';
import { findCgroupfs } from './cgroups/cgroupfs.ts';
import { findHierarchy, NO_HIERARCHY, type Hierarchy } from './cgroups/hierarchy.ts';
import { chosenCollectors, COLLECTORS } from './collectors/all.ts';
import type { Config } from './config.ts';
import { Counting, now, REFRESH_MS } from './counting.ts';
import type { Directory } from './identity/directory.ts';
import { MissingCgroups } from './identity/missing-cgroups.ts';
import type { TargetsFile } from './identity/targets-file.ts';
import { dropPrivileges, takePrivileges } from './kernel/privileges.ts';
import { openProbes, type Probes } from './kernel/probes.ts';
import { ExporterMemory } from './memory/exporter-memory.ts';
import { Scraper } from './scrape/scraper.ts';
import { SelfMetrics } from './scrape/self-metrics.ts';
import { openKubernetes, openSystemd, openTargets } from './sources.ts';

/** A running exporter. */
export class ExporterApp implements App {
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #stops = new StopStack();
  #targets: TargetsFile | undefined;

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  /**
   * Web configuration, targets, kernel programs, web server, in this order; steps that fail on invalid input come
   * first.
   *
   * @throws ConfigError, UsageError, CgroupError, RequirementError, BpfError, ListenError
   */
  async start(): Promise<void> {
    const [config, logger, stops] = [this.#config, this.#logger, this.#stops];
    logger.info('starting', { program: 'lorikeet-exporter', version: VERSION });
    const memory = new ExporterMemory(logger);
    const web = config.webConfigFile === undefined ? undefined : new WebConfigFile(config.webConfigFile, logger);
    const { path: cgroupfs, warning } = findCgroupfs(config.cgroupfs);
    if (warning !== undefined) logger.warn(warning, { path: cgroupfs });
    const file = (this.#targets = openTargets(config, { logger, stops }));
    // Listing thousands of objects makes as much garbage as the start.
    const kubernetes = await openKubernetes(config, { logger, stops, cgroupfs, onReady: () => memory.release() });
    const io = findHierarchy('blkio', cgroupfs);
    takePrivileges(logger);
    const probes = startProbes(config, { io, logger, stops });
    const self = new SelfMetrics();
    self.programs(probes.programs);
    const systemd = openSystemd(config, { logger, cgroupfs, file });
    const sources = [file, systemd, kubernetes].filter((source) => source !== undefined);
    const missing = new MissingCgroups(logger);
    const refreshed = (directory: Directory): void => {
      if (file === undefined) return;
      missing.update(file.targets, directory);
      self.targetsWithoutCgroup(missing.count);
    };
    const log = new ConditionLog(logger);
    const counting = new Counting(config, { cgroupfs, io, sources, probes, self, log, refreshed });
    // The programs know the targets before they see older sockets.
    counting.refresh();
    await probes.adopt();
    kubernetes?.start();

    const complete = (): void => {
      if (file !== undefined) self.targetsReload(file.lastReloadSuccessful);
      if (kubernetes !== undefined) self.kubernetes(kubernetes);
    };
    const scraper = new Scraper({ ...counting.parts, complete, self, now, sent: () => memory.tidy() });
    // The first scrape renders all series and logs failing collectors: do it now, not within the timeout of a client.
    (await scraper.scrape({ format: 'text', signal: new AbortController().signal })).release?.();
    const timer = setInterval(() => counting.tick(), REFRESH_MS);
    stops.onStop('refresh', () => clearInterval(timer));
    const app = this.#webApp(scraper, () => kubernetes?.ready ?? true, web);
    const createServer = web?.createServer;
    const listener = await listen(app, config.listenAddress, createServer && { createServer });
    stops.onStop('web server', () => listener.close());
    dropPrivileges(logger);
    memory.release();
    logger.info('listening', { address: listener.address, tls: web?.tls === true, cgroupfs });
  }

  /** Reloads the targets. @throws ConfigError, and keeps the last valid targets. */
  reload(): void {
    this.#targets?.reload();
  }

  stop(): Promise<void> {
    return this.#stops.stop();
  }

  #webApp(scraper: Scraper, ready: () => true | string, web: WebConfigFile | undefined) {
    return createWebApp({
      name: 'lorikeet-exporter',
      description: 'Requests, connections and resources of services, counted in the kernel.',
      metrics: (request) => scraper.scrape(request),
      formats: this.#config.enableNativeHistograms ? ['openmetrics', 'protobuf'] : ['openmetrics'],
      ready,
      reload: () => this.reload(),
      enableLifecycle: this.#config.enableLifecycle,
      probesWithoutPassword: this.#config.probesWithoutPassword,
      ...(web !== undefined && { before: [web.before] }),
      logger: this.#logger,
    });
  }
}

interface ProbesContext {
  readonly io: Hierarchy | undefined;
  readonly logger: Logger;
  readonly stops: StopStack;
}

function startProbes(config: Config, { io, logger, stops }: ProbesContext): Probes {
  const { maxServices, maxEdges, statusPorts } = config;
  const probes = openProbes(
    {
      object: config.bpfObject,
      known: COLLECTORS,
      chosen: chosenCollectors(config.collectors),
      maxServices,
      maxEdges,
      statusPorts,
      ioHierarchy: io?.id ?? NO_HIERARCHY,
    },
    logger,
  );
  stops.onStop('kernel programs', () => probes.close());
  return probes;
}
