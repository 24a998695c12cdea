/**
 * Measures the exporter's memory and its scrapes with 2,000 services known, beside prom-client with as many series.
 */
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { makeFleet, SERIES_PER_TARGET } from './fleet.ts';
import { printRow, quantile, round, type Row } from './results.ts';
import { Subject } from './subject.ts';

const KNOWN = 2000;
const SIZES = [20_000, 100_000];
const ROUNDS = 2;
const SCRAPES = 50;
/** Prometheus scrapes every 15 s; ten times a second leaves the garbage collector less rest, so it's on the safe side. */
const PAUSE_MS = 100;
const SETTLE_MS = 1000;
const PEER = 'prom-client 15';
/** npm runs scripts in the package's folder. */
const PROGRAM = resolve('dist/lorikeet-exporter.js');

/** All that was measured of one program at one size. */
interface Points {
  readonly rss: number[];
  readonly scrape: number[];
  readonly block: number[];
  readonly cpu: number[];
}

type Command = readonly [string, ...string[]];

async function measure(command: Command, points: Points): Promise<void> {
  const subject = await Subject.start(command);
  try {
    const cpu = subject.cpuMs;
    for (let index = 0; index < SCRAPES; index++) {
      points.scrape.push((await subject.scrape()).ms);
      await pause(PAUSE_MS);
      // The first scrapes still compile the code.
      if (index >= SCRAPES / 2) points.rss.push(subject.residentMb);
    }
    points.cpu.push((subject.cpuMs - cpu) / SCRAPES);
  } finally {
    await subject.stop();
  }
}

/** Apart from the rest, as watching costs memory and time. */
async function measureBlocks(command: Command, points: Points): Promise<void> {
  const subject = await Subject.start(command, { watchLoop: true });
  try {
    // What the start blocked is told a moment later.
    await pause(SETTLE_MS);
    for (let index = 0; index < SCRAPES; index++) {
      subject.takeLongestBlock();
      await subject.scrape();
      // What blocked the loop is told after it has ended.
      await pause(PAUSE_MS);
      points.block.push(subject.takeLongestBlock());
    }
  } finally {
    await subject.stop();
  }
}

const empty = (): Points => ({ rss: [], scrape: [], block: [], cpu: [] });

function rowsOf(series: number, own: Points, peer: Points): readonly Row[] {
  const of = (what: string, key: keyof Points, unit: string): readonly Row[] => {
    const row = (points: Points) => ({
      what: `${what}, ${series} series`,
      median: quantile(points[key], 0.5),
      p99: quantile(points[key], 0.99),
      unit,
    });
    const ours = row(own);
    const theirs = row(peer);
    return [ours, { ...theirs, peer: PEER, ratio: round(theirs.median / ours.median) }];
  };
  return [
    ...of('resident memory', 'rss', 'MB'),
    ...of('scrape', 'scrape', 'ms'),
    ...of('longest event-loop block of a scrape', 'block', 'ms'),
    ...of('processor time of a scrape', 'cpu', 'ms'),
  ];
}

/** `peer` is the command that serves as many series as its last argument says. */
export async function measureMemory(peer: Command): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const series of SIZES) {
    const fleet = makeFleet(KNOWN, Math.ceil(series / SERIES_PER_TARGET));
    const points = { own: empty(), peer: empty() };
    const flags = ['--web.listen-address=127.0.0.1:0', `--targets.file=${fleet.targetsFile}`, '--log.level=info'];
    try {
      for (let turn = 0; turn < ROUNDS; turn++) {
        await measure([PROGRAM, ...flags], points.own);
        await measure([...peer, String(series)], points.peer);
        await measureBlocks([PROGRAM, ...flags], points.own);
        await measureBlocks([...peer, String(series)], points.peer);
      }
    } finally {
      fleet.remove();
    }
    const measured = rowsOf(series, points.own, points.peer);
    measured.forEach(printRow);
    rows.push(...measured);
  }
  return rows;
}
