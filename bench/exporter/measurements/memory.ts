/**
 * Measures the exporter's memory and its scrapes with 2,000 known services, and prom-client with the same number of
 * series.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from '../site/child.ts';
import { makeFleet, SERIES_PER_TARGET } from '../site/fleet.ts';
import { rowsOf, type Row } from '../results.ts';
import { exporterOf, Subject } from '../subjects/subject.ts';

const KNOWN = 2000;
const SIZES = [20_000, 100_000];
const ROUNDS = 2;
const SCRAPES = 50;
/** Number of first scrapes, which still compile code. */
const WARM_UP = 10;
/** Half a day at an interval of 15 s, only at the first size: by then the heap has had time to grow. */
const MANY_SCRAPES = 3000;
/** Number of measured scrapes among them: the memory varies by megabytes between two collections. */
const LATE_SCRAPES = 1000;
/**
 * Ten scrapes per second instead of one in 15 s leave the garbage collector less idle time: results are upper bounds.
 */
const PAUSE_MS = 100;
const SETTLE_MS = 1000;
const PEER = 'prom-client 15';

/** All measurements of one program at one size. */
interface Measurements {
  readonly rss: number[];
  /** Resident memory during the last of `MANY_SCRAPES`. */
  readonly lateRss: number[];
  readonly scrape: number[];
  readonly block: number[];
  readonly cpu: number[];
}

async function warmUp(subject: Subject): Promise<void> {
  for (let index = 0; index < WARM_UP; index++) {
    await subject.scrape();
    await pause(PAUSE_MS);
  }
}

async function measure(command: Command, points: Measurements): Promise<void> {
  const subject = await Subject.start(command);
  try {
    await warmUp(subject);
    const cpu = subject.cpuMs;
    for (let index = 0; index < SCRAPES; index++) {
      points.scrape.push((await subject.scrape()).ms);
      await pause(PAUSE_MS);
      points.rss.push(subject.residentMb);
    }
    points.cpu.push((subject.cpuMs - cpu) / SCRAPES);
  } finally {
    await subject.stop();
  }
}

/** Separate from the rest, because the watch takes memory and time. */
async function measureBlocks(command: Command, points: Measurements): Promise<void> {
  const subject = await Subject.start(command, { watchLoop: true });
  try {
    // The block by the start is reported a moment later.
    await pause(SETTLE_MS);
    await warmUp(subject);
    for (let index = 0; index < SCRAPES; index++) {
      subject.takeLongestBlock();
      await subject.scrape();
      // A block is reported after its end.
      await pause(PAUSE_MS);
      points.block.push(subject.takeLongestBlock());
    }
  } finally {
    await subject.stop();
  }
}

/** Without pauses, which would take half an hour. */
async function measureLate(command: Command, points: Measurements): Promise<void> {
  const subject = await Subject.start(command);
  try {
    for (let index = 0; index < MANY_SCRAPES; index++) {
      await subject.scrape();
      if (index >= MANY_SCRAPES - LATE_SCRAPES) points.lateRss.push(subject.residentMb);
    }
  } finally {
    await subject.stop();
  }
}

const empty = (): Measurements => ({ rss: [], lateRss: [], scrape: [], block: [], cpu: [] });

function rowsAt(series: number, own: Measurements, peer: Measurements): readonly Row[] {
  const of = (what: string, key: keyof Measurements, unit: string): readonly Row[] => {
    const points = new Map([
      [undefined, own[key]],
      [PEER, peer[key]],
    ]);
    return rowsOf(`${what}, ${series} series`, unit, points);
  };
  return [
    ...of('resident memory', 'rss', 'MB'),
    ...(own.lateRss.length > 0 ? of(`resident memory after ${MANY_SCRAPES} scrapes`, 'lateRss', 'MB') : []),
    ...of('scrape', 'scrape', 'ms'),
    ...of('longest event-loop block of a scrape', 'block', 'ms'),
    ...of('processor time of a scrape', 'cpu', 'ms'),
  ];
}

/** @throws Error unless the exporter serves the number of series in the rows. */
async function checkSize(command: Command, series: number): Promise<void> {
  const subject = await Subject.start(command);
  try {
    const served = await subject.value('lorikeet_exporter_series');
    if (Math.abs(served / series - 1) > 0.05)
      throw new Error(`${served} series instead of ${series}: check SERIES_PER_TARGET`);
  } finally {
    await subject.stop();
  }
}

/** `peer` is a command that serves the number of series in its last argument. */
export async function measureMemory(peer: Command): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const series of SIZES) {
    const fleet = makeFleet(KNOWN, Math.ceil(series / SERIES_PER_TARGET));
    const points = { own: empty(), peer: empty() };
    try {
      await checkSize(exporterOf(fleet), series);
      for (let turn = 0; turn < ROUNDS; turn++) {
        await measure(exporterOf(fleet), points.own);
        await measure([...peer, String(series)], points.peer);
        await measureBlocks(exporterOf(fleet), points.own);
        await measureBlocks([...peer, String(series)], points.peer);
      }
      if (series === SIZES[0]) {
        await measureLate(exporterOf(fleet), points.own);
        await measureLate([...peer, String(series)], points.peer);
      }
    } finally {
      fleet.remove();
    }
    rows.push(...rowsAt(series, points.own, points.peer));
  }
  return rows;
}
