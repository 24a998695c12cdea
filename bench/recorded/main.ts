/**
 * `npm run bench -- recorded <folder>...`: evaluates the product and simple methods on any number of recordings
 * (docs/evaluation/recordings.md), several seeds each, in one table. `npm run bench -- recorded convert <layout> <from>
 * <to>` makes a recording of a published collection, `npm run bench -- recorded generate <folder> --seed=<n>` one of a
 * simulated shop, and `npm run bench -- recorded summarise <results>...` tables over several of these.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, parse, resolve } from 'node:path';
import { load } from 'js-yaml';
import { type Flags, type FlagValues, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram, StopStack } from '../../daemon/lifecycle.ts';
import { ProgressBar } from '../../scorer/learning/progress.ts';
import { writeResults } from '../results.ts';
import { type JudgedMethod, judgeMethods, rowOf } from './evaluate.ts';
import { ABLATIONS } from './methods/ablations/ablations.ts';
import { METHODS } from './methods/methods.ts';
import { fromNezha } from './nezha/convert.ts';
import { withRecording } from './open-recording.ts';
import { fromPetShop } from './petshop/convert.ts';
import { generateShop } from './shops/generate.ts';
import { SIZES } from './shops/topology/draw-topology.ts';
import { outcomesOf, readOutcomes } from './summary/outcomes-file.ts';
import { PAGE, updatePage, updateParts } from './summary/page.ts';
import { renderSummary } from './summary/summary-table.ts';
import { renderResults } from './table.ts';
import { TRAINING_SHARE } from './training-time.ts';
import { type Converted, writeRecording } from './write-recording.ts';

const FLAGS = {
  seeds: { type: 'number', default: 3, help: 'Number of seeds of the training: 1, 2 and so on.' },
  'training.share': {
    type: 'number',
    default: TRAINING_SHARE,
    help: 'Share of the fault-free time, from its start, for learning.',
  },
  'without.edges': { type: 'boolean', help: 'Leave out the figures of calls and the call graph.' },
  features: { type: 'string', help: "Features file in place of the recordings' own." },
  detectors: { type: 'string', help: 'The section `detectors` of scorer.yaml, as YAML. Default: the autoencoder.' },
  methods: { type: 'string', help: 'Comma-separated methods to evaluate. Default: all.' },
  ablations: { type: 'boolean', help: 'Evaluate the product without its parts, one by one, as well.' },
  outcomes: { type: 'boolean', help: 'Results: what became of each fault, for `summarise`, and no figures.' },
  update: { type: 'boolean', help: `summarise: write the tables into ${PAGE} as well.` },
  parts: { type: 'string', help: 'summarise: results of --ablations on other recordings, for that page.' },
  results: {
    type: 'string',
    default: 'recordings',
    help: 'Name of the results: bench/results/recorded/<name>.json and .md.',
  },
  seed: { type: 'number', default: 1, help: 'generate: seed of the shop.' },
  services: { type: 'number', help: 'generate: number of services. Default: drawn, 10 to 60.' },
  hours: { type: 'number', default: 30, help: 'generate: length of the recording.' },
  ...HELP_FLAG,
} as const satisfies Flags;

const RESULTS = 'bench/results/recorded';

const LAYOUTS: Readonly<Record<string, (from: string) => Converted>> = { nezha: fromNezha, petshop: fromPetShop };

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- recorded <folder>... [flags]', FLAGS));
    return 0;
  }
  const [command, ...rest] = positionals;
  if (command === 'convert') {
    await convert(rest);
    return 0;
  }
  if (command === 'generate') {
    await generate(rest, values);
    return 0;
  }
  if (command === undefined) throw new UsageError('expected the folders of recordings');
  if (command === 'summarise') {
    summarise(rest, values);
    return 0;
  }
  const judged: JudgedMethod[] = [];
  for (const path of positionals) judged.push(...(await evaluate(path, values, stops)));
  if (values.outcomes) {
    writeResults(`recorded/${values.results}`, judged.map(outcomesOf));
    return 0;
  }
  const rows = judged.map(rowOf);
  writeResults(`recorded/${values.results}`, rows);
  print(values.results, renderResults(rows));
  return 0;
}

/** Summarises the outcomes of several shops. @param names of results */
function summarise(names: readonly string[], { results, update, parts }: FlagValues<typeof FLAGS>): void {
  if (names.length === 0) throw new UsageError('expected summarise <results>...');
  const rows = names.flatMap((name) => readOutcomes(`${RESULTS}/${name}.json`));
  print(results, renderSummary(rows));
  if (!update) return;
  updatePage(rows);
  if (parts !== undefined) updateParts(`${RESULTS}/${parts}.json`);
}

function print(results: string, text: string): void {
  process.stdout.write(text);
  const path = `${RESULTS}/${results}.md`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

async function convert([layout = '', from, to]: readonly string[]): Promise<void> {
  const read = LAYOUTS[layout];
  if (read === undefined || from === undefined || to === undefined) {
    throw new UsageError(`expected convert <layout> <from> <to>, with a layout of ${Object.keys(LAYOUTS).join(', ')}`);
  }
  await writeRecording(to, read(resolve(from)));
}

async function generate([to]: readonly string[], { seed, services, hours }: FlagValues<typeof FLAGS>): Promise<void> {
  if (to === undefined) throw new UsageError('expected generate <folder> --seed=<n>');
  const [least, most] = SIZES;
  if (services !== undefined && !(services >= least && services <= most)) {
    throw new UsageError(`--services: expected ${least} to ${most}, got ${services}`);
  }
  await writeRecording(to, generateShop({ seed, services, hours }));
}

async function evaluate(path: string, values: FlagValues<typeof FLAGS>, stops: StopStack): Promise<JudgedMethod[]> {
  const progress = new ProgressBar(process.stderr);
  const recording = basename(resolve(path));
  const own = new StopStack();
  stops.onStop(recording, () => own.stop());
  try {
    return await withRecording(
      {
        path,
        withoutEdges: values['without.edges'],
        trainingShare: values['training.share'],
        features: values.features,
        ...(values.detectors !== undefined && { detectors: load(values.detectors) as object }),
        stops: own,
        onProgress: (phase, share, detail) => progress.update(`${recording} ${phase}`, share, detail),
      },
      async (options, timeScale) => {
        const wanted = values.methods?.split(',');
        const known = values.ablations ? [...METHODS, ...ABLATIONS] : METHODS;
        const methods = known.filter(({ name }) => wanted === undefined || wanted.includes(name));
        const judged = await judgeMethods(recording, options, methods, { count: values.seeds, timeScale });
        return values.features === undefined ? judged : judged.map((one) => withFeatures(one, values.features!));
      },
    );
  } finally {
    progress.end();
    await own.stop();
  }
}

/** Named after the features that it was evaluated with. */
function withFeatures(judged: JudgedMethod, features: string): JudgedMethod {
  const { name } = parse(features);
  return { ...judged, method: `${judged.method}+${name}`, title: `${judged.title}, ${name}.yaml` };
}

await runProgram('bench-recorded', main);
