/**
 * `npm run bench -- ranking [--seeds=5]`: faults one after another on random services of the shop of `npm run bench -- life`,
 * ranked by the product and by the worst edges alone (docs/adr/scorer/0023-requests-times-seconds.md).
 */
import { type Flags, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { RANKING_CYCLES } from '../../scorer/backtest/figures.ts';
import { markdown } from '../../scorer/backtest/report/markdown.ts';
import { scorerKeys } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { openModel } from '../../scorer/learning/store/model-store.ts';
import { Random } from '../../scorer/numeric/random.ts';
import { SHIPPED_FEATURES, SHIPPED_MODEL } from '../../scorer/paths.ts';
import type { Ranker } from '../../scorer/scoring/ranking/root-cause.ts';
import { rankRootCauses } from '../../scorer/scoring/ranking/root-cause.ts';
import { keyOf } from '../life/features.ts';
import { FIRST_STEP, live } from '../life/live.ts';
import type { Event, Scenario } from '../life/scenario.ts';
import { SHOP } from '../life/shop.ts';
import { World } from '../life/world.ts';
import { byWorstEdges } from '../recorded/methods/worst-edges.ts';
import { estimate } from '../recorded/table.ts';
import { writeResults } from '../results.ts';
import { bootstrapMean } from '../statistics.ts';

const FLAGS = {
  seeds: { type: 'number', default: 5, help: 'Number of seeds of the shop and its faults, from --first.' },
  first: { type: 'number', default: 1, help: 'The first seed.' },
  ...HELP_FLAG,
} as const satisfies Flags;

const MINUTE_MS = 60_000;
/** Time of life before the first fault, and from one to the next, minutes. */
const LEARNING = 480;
const PERIOD = 45;
const FAULT = 6;
const FAULTS = 32;

const CHANGES: Readonly<Record<string, Event['change']>> = {
  'latency x1.5': { latency: 1.5 },
  'latency x4': { latency: 4 },
  'latency x20': { latency: 20 },
  '5 % fail': { failures: 0.05 },
  '50 % fail': { failures: 0.5 },
  'processor x3': { cpu: 3, latency: 1.3 },
  'network +20 ms': { network: 0.02 },
  'network +200 ms': { network: 0.2 },
};
const RANKERS: Readonly<Record<string, Ranker>> = {
  'requests times seconds': rankRootCauses,
  'worst edges alone': byWorstEdges,
};

interface Row {
  readonly seed: number;
  readonly ranking: string;
  readonly type: string;
  readonly service: string;
  /** From 1; null if it isn't in the ranking. */
  readonly place: number | null;
}

async function main({ argv }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- ranking [flags]', FLAGS));
    return 0;
  }
  const rows: Row[] = [];
  for (let seed = values.first; seed < values.first + values.seeds; seed++) rows.push(...(await rankShop(seed)));
  process.stdout.write(table(rows));
  writeResults('experiments/ranking', rows);
  return 0;
}

async function rankShop(seed: number): Promise<Row[]> {
  const config = scorerKeys.parse({ prometheus: { url: 'http://localhost' }, output: 'metrics' });
  const set = readFeatures(SHIPPED_FEATURES);
  const { model } = await openModel([SHIPPED_MODEL], set, config.steps);
  if (model === undefined) throw new UsageError('the shipped base model does not fit the shipped features');
  const faults = plan(seed);
  const scenario = scenarioOf(faults);
  const judged = new Map(faults.map((fault) => [FIRST_STEP + fault.minute + RANKING_CYCLES, fault]));
  const rows: Row[] = [];
  const ranking = (step: number): Ranker | undefined => {
    const fault = judged.get(step);
    if (fault === undefined) return undefined;
    return (...seen) => {
      for (const [name, rank] of Object.entries(RANKERS)) {
        const index = rank(...seen).findIndex(({ key }) => key === keyOf(fault.service));
        const { type, service } = fault;
        rows.push({ seed, ranking: name, type, service, place: index < 0 ? null : index + 1 });
      }
      return rankRootCauses(...seen);
    };
  };
  const count = scenario.hours * 60;
  await live(config, set, model, minutesOf(new World(scenario, seed), count), count, ranking);
  await model.autoencoder.close();
  return rows;
}

interface PlannedFault {
  readonly minute: number;
  readonly service: string;
  readonly type: string;
}

/** Each kind of fault equally often, on random services. */
function plan(seed: number): PlannedFault[] {
  const random = new Random(seed * 1000);
  const types = Object.keys(CHANGES);
  return Array.from({ length: FAULTS }, (_, index) => ({
    minute: LEARNING + index * PERIOD,
    service: SHOP[Math.floor(random.uniform() * SHOP.length)]!.name,
    type: types[index % types.length]!,
  }));
}

function scenarioOf(faults: readonly PlannedFault[]): Scenario {
  return {
    name: 'ranking',
    set: 'tuned',
    title: 'faults one after another',
    hours: (LEARNING + FAULTS * PERIOD) / 60,
    begins: 10,
    load: { night: 0.3, weekend: 1 },
    wanted: { severe: 0, warnings: 0 },
    events: faults.map(({ minute, service, type }) => ({
      service,
      at: minute * MINUTE_MS,
      for: FAULT * MINUTE_MS,
      grows: false,
      change: CHANGES[type]!,
      fault: true,
      within: FAULT * MINUTE_MS,
    })),
  };
}

function* minutesOf(world: World, count: number) {
  for (let minute = 0; minute < count; minute++) yield world.minute(minute);
}

function table(rows: readonly Row[]): string {
  const types = ['all', ...Object.keys(CHANGES)];
  const cell = (ranking: string, type: string) => {
    const of = rows.filter((row) => row.ranking === ranking && (type === 'all' || row.type === type));
    return estimate(bootstrapMean(of.map(({ place }) => (place === 1 ? 1 : 0))));
  };
  const names = Object.keys(RANKERS);
  return markdown([
    ['cause first', 'faults', ...names],
    ...types.map((type) => {
      const count = rows.filter((row) => row.ranking === names[0] && (type === 'all' || row.type === type)).length;
      return [type, `${count}`, ...names.map((name) => cell(name, type))];
    }),
  ]);
}

await runProgram('bench-ranking', main);
