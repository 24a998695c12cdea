/**
 * Measures the exporter's memory and its scrapes with 2,000 services known, beside prom-client with as many series, and
 * writes rows to bench/results/exporter.json. Needs dist/ (npm run build) and root.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { makeFleet, SERIES_PER_TARGET } from './fleet.ts';
import { printRow, quantile, round, writeRows, type Row } from './results.ts';
import { Subject } from './subject.ts';

const KNOWN = 2000;
const SIZES = [20_000, 100_000];
const ROUNDS = 3;
const SCRAPES = 60;
/** Prometheus scrapes every 15 s; ten times a second leaves the garbage collector less rest, so it's on the safe side. */
const PAUSE_MS = 100;
const PEER = 'prom-client 15';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** All that was measured of one program at one size. */
interface Points {
  readonly rss: number[];
  readonly scrape: number[];
  readonly block: number[];
  readonly cpu: number[];
}

async function measure(command: readonly [string, ...string[]], points: Points): Promise<void> {
  const subject = await Subject.start(command);
  try {
    const cpu = subject.cpuMs;
    for (let index = 0; index < SCRAPES; index++) {
      const { ms, status } = await subject.scrape();
      if (status !== 200) throw new Error(`${command.join(' ')}: status ${status}`);
      points.scrape.push(ms);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      // The first scrapes still compile the code.
      if (index >= SCRAPES / 2) points.rss.push(subject.residentMb);
    }
    points.cpu.push((subject.cpuMs - cpu) / SCRAPES);
    points.block.push(longestBlockMs(await subject.text()));
  } finally {
    await subject.stop();
  }
}

/** The timer that prom-client measures the delay with is due every 10 ms. */
const TIMER_MS = 10;

/** From what both programs tell of themselves: the longest delay of a timer since the scrape before. */
function longestBlockMs(text: string): number {
  const seconds = Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(text)?.[1]);
  return Math.max(0, seconds * 1000 - TIMER_MS);
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

async function bundlePeer(): Promise<string> {
  const outfile = `${ROOT}/dist/bench-prom-client-peer.js`;
  const entry = `${ROOT}/bench/exporter/prom-client-peer.ts`;
  const js = "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);";
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'esm', banner: { js } });
  return outfile;
}

const peer = await bundlePeer();
const rows: Row[] = [];
for (const series of SIZES) {
  const fleet = makeFleet(KNOWN, Math.ceil(series / SERIES_PER_TARGET));
  const points = { own: empty(), peer: empty() };
  const flags = ['--web.listen-address=127.0.0.1:0', `--targets.file=${fleet.targetsFile}`, '--log.level=info'];
  try {
    for (let turn = 0; turn < ROUNDS; turn++) {
      await measure([`${ROOT}/dist/lorikeet-exporter.js`, ...flags], points.own);
      await measure([process.execPath, peer, String(series)], points.peer);
    }
  } finally {
    fleet.remove();
  }
  const measured = rowsOf(series, points.own, points.peer);
  measured.forEach(printRow);
  rows.push(...measured);
}
writeRows(rows);
