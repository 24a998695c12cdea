/**
 * Lives through scenarios of days (bench/life/scenarios) on the product's own scoring and learning, a cycle a minute, as fast
 * as the machine can, and counts the alarms that would have woken somebody.
 */
import { type Flags, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { scorerKeys } from '../../scorer/config.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { openModel } from '../../scorer/learning/store/model-store.ts';
import { SHIPPED_FEATURES, SHIPPED_MODEL } from '../../scorer/paths.ts';
import { writeResults } from '../results.ts';
import { type Judgement, judge } from './judge.ts';
import { FIRST_STEP, live } from './live.ts';
import { readScenarios, type Scenario, SCENARIOS, SETS } from './scenario.ts';
import { World } from './world.ts';

const FLAGS = {
  set: { type: 'string', choices: [...SETS, 'all'], default: 'tuned', help: 'Which scenarios to run.' },
  seeds: { type: 'number', default: 3, help: 'Number of seeds, from 1.' },
  folder: { type: 'string', default: SCENARIOS, help: 'Folder of the scenarios.' },
  trace: { type: 'boolean', help: 'Print each minute of a score above 1, with its leading feature.' },
  ...HELP_FLAG,
} as const satisfies Flags;

interface Row extends Judgement {
  readonly scenario: string;
  readonly title: string;
  readonly set: string;
  readonly seed: number;
}

async function main({ argv }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- life [flags] [scenario...]', FLAGS));
    return 0;
  }
  const config = scorerKeys.parse({ prometheus: { url: 'http://localhost' }, output: 'metrics' });
  const set = readFeatures(SHIPPED_FEATURES);
  const { model } = await openModel([SHIPPED_MODEL], set, config.steps);
  if (model === undefined) throw new UsageError('the shipped base model does not fit the shipped features');
  const rows: Row[] = [];
  for (const scenario of chosen(readScenarios(values.folder), positionals, values.set)) {
    for (let seed = 1; seed <= values.seeds; seed++) {
      const life = await live(config, set, model, minutesOf(scenario, seed), scenario.hours * 60);
      const judgement = judge(scenario, life);
      rows.push({ scenario: scenario.name, title: scenario.title, set: scenario.set, seed, ...judgement });
      process.stdout.write(`${describe(scenario, seed, judgement)}\n`);
      if (values.trace) process.stdout.write(traceOf(life));
    }
  }
  await model.autoencoder.close();
  writeResults('experiments/life', rows);
  return 0;
}

function chosen(scenarios: readonly Scenario[], names: readonly string[], set: string): Scenario[] {
  const unknown = names.find((name) => !scenarios.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new UsageError(`no scenario ${unknown}`);
  if (names.length > 0) return scenarios.filter(({ name }) => names.includes(name));
  return scenarios.filter((scenario) => set === 'all' || scenario.set === set);
}

function* minutesOf(scenario: Scenario, seed: number) {
  const world = new World(scenario, seed);
  for (let minute = 0; minute < scenario.hours * 60; minute++) yield world.minute(minute);
}

function describe({ name }: Scenario, seed: number, judgement: Judgement): string {
  const { warnings, severe, above, aboveSevere, largest, faults, passed } = judgement;
  const seen = faults.map(({ delay, own }) =>
    delay === undefined ? 'missed' : `${delay} min${own ? '' : ' (other)'}`,
  );
  return [
    passed ? 'ok   ' : 'WRONG',
    name.padEnd(22),
    `seed ${seed}`,
    `warnings ${warnings.join('+')}`,
    `severe ${severe.join('+')}`,
    `above 1: ${above} min, above 3: ${aboveSevere} min, largest ${largest.toFixed(2)}`,
    ...(seen.length > 0 ? [`faults: ${seen.slice(0, 8).join(', ')}`] : []),
  ].join('  ');
}

function traceOf({ steps, scores, leading }: Awaited<ReturnType<typeof live>>): string {
  return steps
    .flatMap((step, index) =>
      [...scores].flatMap(([key, values]) =>
        (values[index] ?? 0) > 1
          ? [`  ${step - FIRST_STEP} min ${key} ${values[index]!.toFixed(2)} ${leading.get(key)?.[index] ?? ''}\n`]
          : [],
      ),
    )
    .join('');
}

await runProgram('bench-life', main);
