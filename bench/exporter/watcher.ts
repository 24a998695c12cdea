import { setTimeout as pause } from 'node:timers/promises';
import { programIds } from './bpf-programs.ts';
import { Child, type Command, type Printed } from './child.ts';
import type { Site } from './site.ts';
import { exporterOf, Subject } from './subject.ts';

/** A program that watches the machine's connections, while it is being measured. */
export interface Watcher {
  readonly pid: number;
  /** What is done with it regularly, if anything is. */
  readonly scrape?: () => Promise<unknown>;
  /** How many series a scrape gets at present, the program's own left out. */
  readonly series?: () => Promise<number>;
  /** Ends it and gives how many events it lost; undefined where there are no events to lose. */
  stop(): Promise<number | undefined>;
}

export interface WatcherKind {
  /** Undefined: Lorikeet itself. */
  readonly peer: string | undefined;
  readonly start: () => Promise<Watcher>;
}

const POLL_MS = 50;
const START_MS = 15_000;
/** From its programs' loading to their being attached. */
const SETTLE_MS = 500;

/** Scrapes after which what their time goes into is compiled, as it is for nearly all of an exporter's life. */
const WARM_UP = 10;
/** Where events are counted that found no room. */
const MAPS = ['requests', 'edges', 'tcp', 'cgroups'];

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

/** A peer that tells on its output how many events it lost, once it is told to end by an interrupt. */
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
