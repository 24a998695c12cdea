/**
 * Measures the cost of open sockets: none in a scrape, which does not visit them, but each has a state in the kernel.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Child } from '../site/child.ts';
import { rowsOf, type Row } from '../results.ts';
import { atSite, type Site } from '../site/site.ts';
import { exporterOf, Subject } from '../subjects/subject.ts';

const SOCKETS = 100_000;
const ROUNDS = 2;
const SCRAPES = 20;
const PAUSE_MS = 100;
const QUEUES = 'lorikeet_exporter_collector_duration_seconds{collector="accept_queues"}';
/** File descriptors of a holder that are not sockets. */
const SPARE_FILES = 32;

interface Measurements {
  readonly queues: number[];
  readonly scrape: number[];
  readonly rss: number[];
  /** Increase of the kernel's unreclaimable slabs by the exporter, in bytes per socket. */
  readonly state: number[];
}

/** Maximum number of file descriptors of a process: without CAP_SYS_RESOURCE not even root can raise it. */
function maxFiles(): number {
  return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
}

/**
 * Both ends of a connection belong to the same process; the limit on file descriptors determines the number of
 * processes.
 */
async function hold({ workshop, loopback, fleet }: Site): Promise<readonly Child[]> {
  const program = workshop.program('load/hold-sockets.c');
  const each = Math.floor((maxFiles() - SPARE_FILES) / 2);
  const holders: Child[] = [];
  try {
    for (let left = SOCKETS / 2; left > 0; left -= each) {
      const command = loopback.inside(fleet.pair[0], [program, String(Math.min(each, left))]);
      holders.push((await Child.ready(command))[0]);
    }
  } catch (error) {
    await release(holders);
    throw error;
  }
  return holders;
}

async function release(holders: readonly Child[]): Promise<void> {
  for (const holder of holders) await holder.stop('end of input');
}

function slabBytes(): number {
  return Number(/^SUnreclaim:\s+(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
}

/**
 * Read before and after the start of the first exporter: the kernel keeps its slabs for the next one, and other
 * programs change them every second.
 */
async function measureState(site: Site): Promise<number> {
  const before = slabBytes();
  const subject = await Subject.start(exporterOf(site.fleet));
  const after = slabBytes();
  await subject.stop();
  return (after - before) / SOCKETS;
}

async function measure(site: Site, { queues, scrape, rss }: Measurements): Promise<void> {
  const subject = await Subject.start(exporterOf(site.fleet));
  try {
    for (let index = 0; index < SCRAPES; index++) {
      scrape.push((await subject.scrape()).ms);
      queues.push((await subject.value(QUEUES)) * 1000);
      rss.push(subject.residentMb);
      await pause(PAUSE_MS);
    }
  } finally {
    await subject.stop();
  }
}

export async function measureSockets(): Promise<readonly Row[]> {
  const measured: Measurements = { queues: [], scrape: [], rss: [], state: [] };
  const without: Measurements = { queues: [], scrape: [], rss: [], state: [] };
  await atSite(async (site) => {
    for (let round = 0; round < ROUNDS; round++) await measure(site, without);
    const holders = await hold(site);
    try {
      measured.state.push(await measureState(site));
      for (let round = 0; round < ROUNDS; round++) await measure(site, measured);
    } finally {
      await release(holders);
    }
  });
  const of = (what: string, unit: string, values: readonly number[], sockets = SOCKETS): readonly Row[] =>
    rowsOf(`${what}, ${sockets} open sockets`, unit, new Map([[undefined, values]]));
  return [
    ...of('reading the accept queues', 'ms', without.queues, 0),
    ...of('reading the accept queues', 'ms', measured.queues),
    ...of('scrape', 'ms', without.scrape, 0),
    ...of('scrape', 'ms', measured.scrape),
    ...of('resident memory', 'MB', measured.rss),
    ...of('kernel memory of a socket', 'bytes', measured.state),
  ];
}
