import { setTimeout as pause } from 'node:timers/promises';
import { programIds } from '../counters/bpf-programs.ts';
import { Child, type Command, type Printed } from '../site/child.ts';
import type { Site } from '../site/site.ts';
import { exporterOf, Subject } from './subject.ts';

/** A program under measurement that monitors the machine's connections. */
export interface Watcher {
  readonly pid: number;
  /** The regular operation, such as a scrape, if any. */
  readonly scrape?: () => Promise<unknown>;
  /** Current number of series in a scrape, without those about the program itself. */
  readonly series?: () => Promise<number>;
  /** Ends it and returns the number of lost events; undefined if it has no events. */
  stop(): Promise<number | undefined>;
}

export interface WatcherKind {
  /** Undefined: Lorikeet itself. */
  readonly peer: string | undefined;
  readonly start: () => Promise<Watcher>;
}

const POLL_MS = 50;
const START_MS = 15_000;
/** Time from loading to attaching its programs. */
const SETTLE_MS = 500;

/** Scrapes after which the hot code is compiled, as for nearly all of an exporter's lifetime: V8 still compiles in the twelfth. */
const WARM_UP = 60;
/** The kernel maps whose lost events count. */
const MAPS = ['services', 'edges', 'cgroups'];

export function lorikeet(site: Site): WatcherKind {
  return {
    peer: undefined,
    async start() {
      const subject = await Subject.start(exporterOf(site.fleet));
      for (let index = 0; index < WARM_UP; index++) await subject.scrape();
      return {
        pid: subject.pid,
        scrape: () => subject.scrape(),
        series: () => subject.value('lorikeet_exporter_series'),
        stop: async () => {
          const lost = MAPS.map((map) => subject.value(`lorikeet_exporter_lost_events_total{map="${map}"}`));
          const total = (await Promise.all(lost)).reduce((sum, count) => sum + count, 0);
          await subject.stop();
          return total;
        },
      };
    },
  };
}

/** A peer that prints the number of lost events on SIGINT. */
export function peerOf(peer: string, command: Command, lostOf: (printed: Printed) => number | undefined): WatcherKind {
  return {
    peer,
    async start() {
      const child = Child.start(command);
      for (const deadline = Date.now() + START_MS; programIds(child.pid).length === 0;) {
        if (Date.now() > deadline) {
          const { errors } = await child.stop('SIGINT');
          throw new Error(`${peer} loads no programs: ${errors.join('\n')}`);
        }
        await pause(POLL_MS);
      }
      await pause(SETTLE_MS);
      return { pid: child.pid, stop: async () => lostOf(await child.stop('SIGINT')) };
    },
  };
}
