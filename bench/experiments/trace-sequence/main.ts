import { parseArgs } from 'node:util';
import {
  type TraceSequenceSettings,
  traceSequenceSettings,
} from '../../../scorer/detectors/trace-sequence/settings.ts';
import { type CallFault, TraceGenerator } from '../../../scorer/detectors/trace-sequence/events/traces.testdata.ts';
import { writeResults } from '../../results.ts';
import { learn, rank, type Ranked } from './learn.ts';
import { type SimFault, simulate } from './simulation.ts';
import { readTrainTicket, startOf, type TrainTicket } from './train-ticket.ts';

// What judges events of traces best, and what trace_sequence finds on Train Ticket.
//
//   npm run bench -- trace-sequence [--data=<folder>] [--held-out] [--microsim]
//
// Settings are chosen by the synthetic shop and by every other fault of Train Ticket; --held-out runs the default once on
// the others, --microsim on real spans of microsim's web shop.

const MINUTE = 60_000;
/** The data has the traces of each fault's minute and of the two after it. */
const FAULT_MS = 3 * MINUTE;
/** Of the synthetic shop. */
const LEARNED = 2000;
const PER_STEP = 100;
const QUIET_STEPS = 30;
const SEEDS = [1, 2];

/** Of microsim. */
const SIM_LEVEL = 40;
const SIM_LEARN_SECONDS = 150;
const SIM_QUIET = 6;
const SIM_SECONDS = 20;
const SIM_FAULTS: readonly SimFault[] = [
  { service: 'checkout', type: 'skip_call', args: { callee: 'shipping' } },
  { service: 'frontend', type: 'skip_call', args: { callee: 'catalog', share: 0.5 } },
  { service: 'checkout', type: 'double_call', args: { callee: 'cart' } },
  { service: 'checkout', type: 'reorder_calls' },
  { service: 'frontend', type: 'reorder_calls' },
  { service: 'checkout', type: 'swallow_error', args: { callee: 'payment' } },
  { service: 'currency', type: 'error', args: { share: 0.3 } },
  { service: 'recommendation', type: 'latency', args: { delay: 80, jitter: 10 } },
];

const SHOP_FAULTS: readonly CallFault[] = [
  { type: 'skip', service: 'front', callee: 'shipping' },
  { type: 'skip', service: 'front', callee: 'news' },
  { type: 'skip', service: 'cart', callee: 'stock', share: 0.3 },
  { type: 'double', service: 'front', callee: 'currency' },
  { type: 'reorder', service: 'front' },
  { type: 'new', service: 'payment', callee: 'ads' },
  { type: 'fail', service: 'stock', share: 0.3 },
  { type: 'swallow', service: 'cart', callee: 'stock' },
  { type: 'crash', service: 'payment' },
  { type: 'slow', service: 'recommend' },
  { type: 'slow_way', service: 'catalog' },
];

const VARIANTS: readonly Partial<TraceSequenceSettings>[] = [
  { judge: 'candidates', candidates: 5, order: 'start' },
  { judge: 'candidates', candidates: 5 },
  { judge: 'candidates', candidates: 3 },
  { judge: 'probability', min_probability: 0.01, order: 'start' },
  { judge: 'probability', min_probability: 0.01 },
  { judge: 'probability', min_probability: 0.003 },
  { judge: 'probability', min_probability: 0.001 },
];

/** What a detector finds of faults whose service is known. */
class Account {
  readonly #ranks: number[] = [];
  #found = 0;
  #others = 0;

  add(ranked: readonly Ranked[], service: string): void {
    const own = ranked.find((verdict) => verdict.service === service)?.score ?? 0;
    this.#ranks.push(own > 0 ? ranked.findIndex((verdict) => verdict.service === service) + 1 : Infinity);
    this.#found += Number(own > 1);
    this.#others += ranked.filter((verdict) => verdict.service !== service && verdict.score > 1).length;
  }

  /** Faults, those whose service is above the threshold or among the first, and other services above it. */
  get row() {
    const among = (place: number) => this.#ranks.filter((at) => at <= place).length;
    const [first, firstThree, firstFive] = [1, 3, 5].map(among);
    return { faults: this.#ranks.length, found: this.#found, first, firstThree, firstFive, others: this.#others };
  }
}

async function shop(settings: TraceSequenceSettings) {
  const account = new Account();
  let quietAlarms = 0;
  let learningSeconds = 0;
  for (const seed of SEEDS) {
    const started = performance.now();
    const detector = await learn(new TraceGenerator(seed).traces(LEARNED, 0), PER_STEP, settings, seed);
    learningSeconds += (performance.now() - started) / 1000 / SEEDS.length;
    const generator = new TraceGenerator(100 + seed);
    for (const fault of SHOP_FAULTS) {
      account.add(await rank(detector, generator.traces(PER_STEP, 1e9, fault)), fault.service);
    }
    for (let step = 0; step < QUIET_STEPS; step++) {
      quietAlarms += (await rank(detector, generator.traces(PER_STEP, 1e9))).filter(({ score }) => score > 1).length;
    }
    await detector.close();
  }
  return { ...account.row, quietSteps: QUIET_STEPS * SEEDS.length, quietAlarms, learningSeconds };
}

async function trainTicket({ normal, faulty, faults }: TrainTicket, settings: TraceSequenceSettings, heldOut: boolean) {
  const account = new Account();
  const detector = await learn(normal, normal.length, settings, 1);
  for (const { startMs, service, type } of faults.filter((_, index) => (index % 2 === 1) === heldOut)) {
    const during = faulty.filter((trace) => startOf(trace) >= startMs && startOf(trace) < startMs + FAULT_MS);
    const ranked = await rank(detector, during);
    account.add(ranked, service);
    const own = ranked.find((verdict) => verdict.service === service);
    const alarms = ranked
      .filter(({ score }) => score > 1)
      .map((of) => `${of.service} ${of.score.toFixed(2)} ${of.kind}`);
    const verdict = `${own?.score.toFixed(2) ?? '-'} ${own?.kind ?? ''}`;
    process.stdout.write(`  ${service} ${type}: ${during.length} traces, ${verdict}; above 1: ${alarms.join(', ')}\n`);
  }
  await detector.close();
  return account.row;
}

async function microsim(settings: TraceSequenceSettings) {
  const quiet = Array.from({ length: SIM_QUIET }, () => ({ seconds: SIM_SECONDS }));
  const faulty = SIM_FAULTS.map((fault) => ({ seconds: SIM_SECONDS, fault }));
  const [learning, ...stretches] = await simulate([{ seconds: SIM_LEARN_SECONDS }, ...quiet, ...faulty], SIM_LEVEL);
  const perStep = (SIM_SECONDS / SIM_LEARN_SECONDS) * learning!.traces.length;
  const detector = await learn(learning!.traces, perStep, settings, 1);
  const account = new Account();
  let quietAlarms = 0;
  for (const { fault, traces } of stretches) {
    const ranked = await rank(detector, traces);
    const alarms = ranked
      .filter(({ score }) => score > 1)
      .map((of) => `${of.service} ${of.score.toFixed(2)} ${of.kind}`);
    if (fault === undefined) quietAlarms += alarms.length;
    else account.add(ranked, fault.service);
    const what = fault === undefined ? 'no fault' : `${fault.service} ${fault.type}`;
    process.stdout.write(`  ${what}: ${traces.length} traces; above 1: ${alarms.join(', ')}\n`);
  }
  await detector.close();
  return { learned: learning!.traces.length, ...account.row, quietSteps: SIM_QUIET, quietAlarms };
}

const { values: flags } = parseArgs({
  options: {
    data: { type: 'string', default: '../shared/data/nezha-train-ticket-2023-01-30' },
    'held-out': { type: 'boolean', default: false },
    microsim: { type: 'boolean', default: false },
  },
});
if (flags['held-out']) {
  const row = await trainTicket(await readTrainTicket(flags.data), traceSequenceSettings(), true);
  process.stdout.write(`${JSON.stringify(row)}\n`);
} else if (flags.microsim) {
  process.stdout.write(`${JSON.stringify(await microsim(traceSequenceSettings()))}\n`);
  // The simulated services, their tracing and the load have no end of their own.
  process.exit(0);
} else {
  const data = await readTrainTicket(flags.data);
  const rows = [];
  for (const given of VARIANTS) {
    const settings = traceSequenceSettings(given);
    const { judge, candidates, min_probability: minProbability, order } = settings;
    const variant = { judge, order, ...(judge === 'candidates' ? { candidates } : { minProbability }) };
    process.stdout.write(`${JSON.stringify(variant)}\n`);
    const row = { ...variant, shop: await shop(settings), trainTicket: await trainTicket(data, settings, false) };
    process.stdout.write(`  shop ${JSON.stringify(row.shop)}\n  train ticket ${JSON.stringify(row.trainTicket)}\n`);
    rows.push(row);
  }
  writeResults('trace-sequence', rows);
}
