import { performance } from 'node:perf_hooks';
import type { ConditionLog } from '../daemon/logger.ts';
import { findHierarchy, isUnified, type Hierarchy } from './cgroups/hierarchy.ts';
import { chosenCollectors, makeCollectors } from './collectors/all.ts';
import type { Config } from './config.ts';
import { DeclaredProtocols } from './identity/declared-protocols.ts';
import { Directory } from './identity/directory.ts';
import { LoopbackListeners } from './identity/peers/loopback.ts';
import type { TargetSource } from './identity/target.ts';
import type { Listener } from './kernel/listeners.ts';
import type { Probes } from './kernel/probes.ts';
import type { Collector } from './scrape/collector.ts';
import type { ScraperOptions } from './scrape/scraper.ts';
import type { SelfMetrics } from './scrape/self-metrics.ts';

/** Milliseconds between two looks at targets and cgroups, without a scrape. */
export const REFRESH_MS = 5000;
/** Milliseconds after which counts are attributed without a scrape. */
const BOOK_MS = 30_000;

/** Milliseconds since the program's start. */
export const now = () => performance.now();

export interface CountingContext {
  readonly cgroupfs: string;
  readonly io: Hierarchy | undefined;
  readonly sources: readonly TargetSource[];
  readonly probes: Probes;
  readonly self: SelfMetrics;
  readonly log: ConditionLog;
  /** Called with the current targets after each look at them. */
  readonly refreshed?: (directory: Directory) => void;
}

/** The collectors, and the steps before and after them in each scrape and between scrapes. */
export class Counting {
  readonly #collectors: readonly Collector[];
  readonly #log: ConditionLog;
  readonly #probes: Probes;
  readonly #self: SelfMetrics;
  readonly #directory: Directory;
  readonly #ioDirectory: Directory | undefined;
  readonly #loopback = new LoopbackListeners();
  readonly #sources: readonly TargetSource[];
  readonly #declared: DeclaredProtocols;
  readonly #refreshed: CountingContext['refreshed'];
  #listening: readonly Listener[] | Error = [];
  /** Start of the current scrape. */
  #scrapedAt = -Infinity;
  #refreshedAt = -Infinity;
  #bookedAt = -Infinity;

  constructor(config: Config, { cgroupfs, io, sources, probes, self, log, refreshed }: CountingContext) {
    this.#log = log;
    this.#refreshed = refreshed;
    this.#probes = probes;
    this.#self = self;
    this.#sources = sources;
    this.#declared = new DeclaredProtocols(probes.declaredProtocols);
    const { cgroups, cgroupPaths: paths, shares } = probes;
    this.#directory = new Directory({ sources, cgroupfs, cgroups, paths, shares });
    const chosen = chosenCollectors(config.collectors);
    const needsIo = chosen.some(({ hierarchy }) => hierarchy === 'io');
    this.#ioDirectory = io && needsIo ? openIoDirectory(io, sources, probes) : undefined;
    const memory = findHierarchy('memory', cgroupfs);
    const parts = {
      loopback: this.#loopback,
      listening: () => this.#knownListeners(),
      memoryRoot: memory && !isUnified(memory) ? memory.root : undefined,
      probes,
      limits: config,
      countsStatus: config.collectors.has('http_status') && probes.absence('http_status') === undefined,
      omissions: self,
      now,
    };
    const directories = { unified: this.#directory, io: this.#ioDirectory };
    this.#collectors = makeCollectors(chosen, directories, parts, probes.absence);
    for (const directory of this.#directories()) directory.onForget(() => this.#bookCollectors());
    this.#directory.onRevived(() => void probes.adopt());
    for (const source of sources) source.beforeChange?.(() => this.#try('book', () => this.#refreshAndBook()));
  }

  /** What a scrape runs. */
  get parts(): Pick<ScraperOptions, 'collectors' | 'targets' | 'maps' | 'log'> {
    return {
      collectors: this.#collectors,
      targets: {
        name: 'targets',
        run: () => {
          this.#scrapedAt = now();
          this.refresh();
        },
      },
      maps: {
        name: 'maps',
        run: () => {
          this.#scrapedAt = -Infinity;
          this.#measureMaps();
        },
      },
      log: this.#log,
    };
  }

  /** Looks at targets, cgroups and listening sockets. */
  refresh(): void {
    this.#refreshedAt = now();
    this.#readListeners();
    this.#declared.update(this.#sources);
    for (const directory of this.#directories()) directory.refresh(this.#refreshedAt);
    this.#refreshed?.(this.#directory);
  }

  /** Between scrapes: new cgroups are classified, and counts of deleted ones attributed, although nobody scrapes. */
  tick(): void {
    const at = now();
    // Not between two collectors of a scrape: the targets would change. A scrape that was aborted has no end.
    if (at - this.#scrapedAt < BOOK_MS) return;
    if (at - this.#refreshedAt >= REFRESH_MS) this.#try('refresh', () => this.refresh());
    if (at - this.#bookedAt >= BOOK_MS || this.#directory.shares?.isPressed === true)
      this.#try('book', () => this.#refreshAndBook());
  }

  #refreshAndBook(): void {
    this.refresh();
    this.#bookCollectors();
    this.#bookedAt = now();
    for (const directory of this.#directories()) directory.booked(this.#bookedAt);
  }

  #bookCollectors(): void {
    for (const collector of this.#collectors) collector.book?.();
  }

  /** A failure is not fatal: the next scrape reports it. */
  #try(step: 'refresh' | 'book', run: () => void): void {
    try {
      run();
      this.#log.recovered(step, `${step} between scrapes recovered`);
    } catch (error) {
      this.#log.failing(step, `${step} between scrapes failed`, error);
    }
  }

  #directories(): readonly Directory[] {
    return this.#ioDirectory === undefined ? [this.#directory] : [this.#directory, this.#ioDirectory];
  }

  #readListeners(): void {
    if (this.#probes.programs.get('read_accept_queues') !== true) return;
    try {
      this.#listening = this.#probes.readListeners((cgroup) => this.#directory.dismisses(cgroup));
      this.#loopback.update(this.#listening);
    } catch (error) {
      // Reported by the collector of accept queues; others do without.
      this.#listening = error as Error;
    }
  }

  #knownListeners(): readonly Listener[] {
    if (this.#listening instanceof Error) throw this.#listening;
    return this.#listening;
  }

  #measureMaps(): void {
    const [probes, self, shares] = [this.#probes, this.#self, this.#directory.shares];
    // A map that no collector has read is not in use.
    for (const { name, entries, capacity } of probes.usage)
      if (entries !== undefined) self.map(name, entries, capacity);
    self.map('cgroups', this.#directory.cgroupRows, probes.cgroups.capacity);
    const blockCgroups = this.#ioDirectory?.cgroupRows;
    if (blockCgroups !== undefined) self.map('block_cgroups', blockCgroups, probes.blockCgroups.capacity);
    self.lost(sum(probes.lost(), shares?.lost));
    self.unmonitored(sum(probes.unmonitored(), shares?.unmonitored));
    self.unattributedEvents(probes.unattributed());
    this.#bookedAt = now();
    for (const directory of this.#directories()) directory.exported(this.#bookedAt);
  }
}

function sum(
  kernel: ReadonlyMap<string, number>,
  more: Readonly<Record<string, number>> = {},
): ReadonlyMap<string, number> {
  const sums = new Map(kernel);
  for (const [map, count] of Object.entries(more)) sums.set(map, (sums.get(map) ?? 0) + count);
  return sums;
}

/**
 * Block requests have cgroups of the hierarchy with the io controller. If the controller is disabled for a cgroup, the
 * kernel accounts its requests to an ancestor, so such a target has no counts.
 */
function openIoDirectory(io: Hierarchy, sources: readonly TargetSource[], probes: Probes): Directory {
  return new Directory({
    sources,
    cgroupfs: io.root,
    cgroups: probes.blockCgroups,
    paths: probes.blockCgroupPaths,
    ...(isUnified(io) && { requiredFile: 'io.stat' }),
  });
}
