/**
 * `npm run bench -- scorer [-- services [cycles]]`: measures the cost of a scorer cycle by size of the fleet, and of
 * the ancestor's queries, as rows of bench/results/scorer.json. Starts a Prometheus with the series that recording
 * rules would have written. The scorer is the complete program in its own process, but scores the requested steps
 * instead of waiting.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readScorerConfig } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { median } from '../../scorer/numeric/statistics.ts';
import { saveLearnedState } from '../../test/scorer/learned-state.ts';
import { startPrometheus } from '../../test/testserver/prometheus.ts';
import { round } from '../statistics.ts';
import { writeResults } from '../results.ts';
import { askAsAncestor, QUERIES_A_SERVICE } from './ancestor.ts';
import { type CycleFigures, type MemoryCare, serveCycles, Subject } from './subject.ts';
import { syntheticFleet, type SyntheticFleet, writeSteps } from './synthetic-fleet.ts';

/**
 * Enough cycles for a leak to be visible in the memory, except at the largest size, where they take too long. `batch`
 * is the number of cycles written and scored at a time.
 */
const SIZES = [
  { services: 100, cycles: 1000, batch: 20 },
  { services: 1000, cycles: 1000, batch: 20 },
  { services: 10_000, cycles: 20, batch: 4 },
] as const;
/** Batches before memory at rest is read: the first cycles compile the code and fetch the past. */
const SETTLED_BATCHES = 2;
/** Steps that the first cycle fetches. */
const PAST = 60;
/** Number of batches between two measurements of the ancestor's cycle. */
const ANCESTOR_EVERY = 15;
const INTERVAL_MS = 5000;
const RESULTS = 'bench/results/scorer.json';
/** The default at an interval of one minute. */
const LEARNING_STEPS = 15;
/** Size and number of batches for the comparison with a scorer that does not release memory. */
const COMPARED = { services: 1000, batches: 4 };
/** Maximum size of the fleet for the ancestor; beyond it a cycle takes minutes. */
const MAX_ANCESTOR_SERVICES = 100;

/** A row of bench/results/scorer.json. Milliseconds are medians per cycle, `cpu_ms` includes all threads. */
interface Row extends Partial<Omit<CycleFigures, 'failed'>> {
  readonly services: number;
  readonly queries_per_cycle: number;
  readonly cycle_ms: number;
  readonly cycles?: number;
  /** At rest after the last cycle; `rss_mb` and its parts are after the first cycles. */
  readonly rss_mb_after_cycles?: number;
  /** The program measured for comparison; undefined: the scorer. */
  readonly peer?: string;
}

const set = readFeatures(SHIPPED_FEATURES);

async function measure(services: number, cycles: number, batch: number): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-scorer-'));
  const prometheus = await startPrometheus({ flags: ['--query.max-samples=200000000'] });
  const fleet = syntheticFleet(set, services);
  const start = async (memory: MemoryCare, writeTo: string) =>
    await Subject.start(
      process.argv[1] ?? '',
      await prepare(join(folder, memory), prometheus.url, writeTo, fleet),
      memory,
    );
  const subject = await start('given back', prometheus.url);
  // It scores the same steps again, so it writes to another receiver.
  const other = services === COMPARED.services ? await startPrometheus() : undefined;
  const careless = other && (await start('left alone', other.url));
  try {
    const end = Math.floor(Date.now() / INTERVAL_MS);
    let step = end - cycles + 1;
    await writeSteps(prometheus.url, fleet, { from: step - PAST, to: step - 1, intervalMs: INTERVAL_MS });
    const batches: CycleFigures[] = [];
    const carelessBatches: CycleFigures[] = [];
    const ancestor: number[] = [];
    let queries = 0;
    for (let left = cycles; left > 0; left -= batch, step += batch) {
      const to = step + Math.min(batch, left) - 1;
      await writeSteps(prometheus.url, fleet, { from: step, to, intervalMs: INTERVAL_MS });
      const before = await queriesServed(prometheus.url);
      batches.push(await subject.run({ from: step, to }));
      queries += (await queriesServed(prometheus.url)) - before;
      // Interleaved, so that all have the same conditions of the machine.
      if (careless !== undefined && carelessBatches.length < COMPARED.batches) {
        carelessBatches.push(await careless.run({ from: step, to }));
      }
      if (services <= MAX_ANCESTOR_SERVICES && batches.length % ANCESTOR_EVERY === 0) {
        const at = { step: to, intervalMs: INTERVAL_MS };
        ancestor.push(await askAsAncestor(prometheus.url, set, fleet.services, at));
      }
    }
    const scored = { services, cycles, queries_per_cycle: round(queries / cycles) };
    const rows = [ownRow(scored, batches)];
    if (carelessBatches.length > 0) {
      const compared = { ...scored, cycles: COMPARED.batches * batch };
      rows.push({ ...ownRow(compared, carelessBatches), peer: 'memory left to V8 and the C library' });
    }
    if (ancestor.length > 0) rows.push(ancestorRow(services, ancestor));
    return rows;
  } finally {
    await subject.stop();
    await careless?.stop();
    await other?.stop();
    await prometheus.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function ownRow(scored: Pick<Row, 'services' | 'cycles' | 'queries_per_cycle'>, batches: readonly CycleFigures[]): Row {
  const failed = batches.at(-1)?.failed ?? 0;
  if (failed > 0) throw new Error(`${failed} of ${String(scored.cycles)} cycles failed`);
  const settled = batches.slice(SETTLED_BATCHES);
  const of = (key: keyof CycleFigures) => round(median(settled.map((batch) => batch[key])));
  const resting = batches[SETTLED_BATCHES - 1];
  const last = batches.at(-1);
  if (resting === undefined || last === undefined) throw new Error('too few cycles to measure memory at rest');
  return {
    ...scored,
    cycle_ms: of('cycle_ms'),
    query_ms: of('query_ms'),
    encode_ms: of('encode_ms'),
    inference_ms: of('inference_ms'),
    rank_ms: of('rank_ms'),
    write_ms: of('write_ms'),
    cpu_ms: of('cpu_ms'),
    rss_mb: resting.rss_mb,
    file_mb: resting.file_mb,
    heap_mb: resting.heap_mb,
    buffers_mb: resting.buffers_mb,
    rss_mb_after_cycles: last.rss_mb,
    rss_mb_peak: last.rss_mb_peak,
  };
}

function ancestorRow(services: number, times: readonly number[]): Row {
  return {
    services,
    queries_per_cycle: QUERIES_A_SERVICE * services,
    cycle_ms: round(median(times)),
    peer: `${QUERIES_A_SERVICE} instant queries a service`,
  };
}

async function prepare(folder: string, url: string, writeTo: string, fleet: SyntheticFleet): Promise<string> {
  mkdirSync(folder);
  const path = join(folder, 'scorer.yaml');
  writeFileSync(
    path,
    `prometheus: { url: '${url}', timeout: 5m }
remote_write: { url: '${writeTo}/api/v1/write', retry_age: 1d }
interval: ${INTERVAL_MS / 1000}s
learning: { minimum: ${(LEARNING_STEPS * INTERVAL_MS) / 1000}s }
state_dir: state
`,
  );
  await saveLearnedState(readScorerConfig(path), set, fleet);
  return path;
}

/** Number of queries answered by Prometheus, from its own metrics. */
async function queriesServed(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const rows = text.matchAll(
    /^prometheus_http_requests_total\{code="\d+",handler="\/api\/v1\/query(?:_range)?"\} (\d+)/gm,
  );
  return [...rows].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Replaces the rows of a size in the results, so that one size can be measured again alone. */
function keep(services: number, measured: readonly Row[]): void {
  const others = earlierRows().filter((row) => row.services !== services);
  writeResults(
    'scorer',
    [...others, ...measured].sort((a, b) => a.services - b.services),
  );
}

function earlierRows(): readonly Row[] {
  if (!existsSync(RESULTS)) return [];
  return (JSON.parse(readFileSync(RESULTS, 'utf8')) as { readonly rows: readonly Row[] }).rows;
}

const [, , first, second = '', memory] = process.argv;
if (first === 'subject') await serveCycles(second, memory as MemoryCare);
else {
  for (const { services, cycles, batch } of SIZES) {
    if (first !== undefined && Number(first) !== services) continue;
    const measured = await measure(services, second === '' ? cycles : Number(second), batch);
    for (const row of measured) process.stdout.write(`${JSON.stringify(row)}\n`);
    // Results with fewer cycles are printed but not saved.
    if (second === '') keep(services, measured);
  }
}
