/**
 * `npm run bench -- detectors`: the evaluations of the papers behind the detectors, with the product's own learning and
 * judging (docs/detectors.md).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Flags, type FlagValues, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { serveCycles } from '../scorer/subject.ts';
import { containerMetrics } from './container-metrics.ts';
import { measureFleet } from './fleet.ts';
import { keepResults, type Part, PARTS, type Table } from './results.ts';
import { patternAccuracy } from './patterns.ts';
import { recordScenarios } from './record.ts';
import { compareReplicas } from './replicas.ts';
import { responseTimes } from './response-times.ts';
import { DESIGNS } from './scenarios.ts';
import { windowTimes } from './window-times.ts';

const MINUTE_MS = 60_000;
const SECOND_MS = 1000;
/** Prometheus and a dozen services need time to stop completely. */
const STOP_TIMEOUT_MS = 120_000;

const FLAGS = {
  part: {
    type: 'string',
    help: `Parts to run, separated by commas. Default: all of ${PARTS.join(', ')}.`,
  },
  record: { type: 'string', help: 'Record the scenarios in this folder, and keep it.' },
  replay: { type: 'string', help: 'Evaluate the recording in this folder instead of making one.' },
  scale: { type: 'number', default: 1, help: "Factor of the scenarios' durations." },
  design: {
    type: 'string',
    choices: DESIGNS,
    default: 'full',
    help: 'full: every intensity for every duration; latin: every intensity once and every duration once.',
  },
  training: { type: 'number', default: 60, help: 'Minutes without faults to train on.' },
  normal: { type: 'number', default: 30, help: 'Minutes without faults to test normal operation with.' },
  recovery: { type: 'number', default: 60, help: 'Seconds between two faults.' },
  seed: { type: 'number', default: 1, help: 'Seed of load, routes and service times.' },
  seeds: { type: 'number', default: 3, help: 'Number of training seeds.' },
  intervals: { type: 'string', default: '1', help: 'Seconds of a step of response times, separated by commas.' },
  'pod-interval': { type: 'number', default: 2, help: 'Seconds of a step of container metrics.' },
  services: { type: 'number', default: 1000, help: 'Size of the synthetic fleet.' },
  cycles: { type: 'number', default: 40, help: 'Cycles of the synthetic fleet.' },
  drawn: { type: 'number', default: 100, help: 'Synthetic services for each way in which a replica differs.' },
  'no-results': { type: 'boolean', help: 'Do not write bench/results/detectors.json.' },
  ...HELP_FLAG,
} as const satisfies Flags;
type Values = FlagValues<typeof FLAGS>;

async function main(context: ProgramContext): Promise<number> {
  const [role, configFile = ''] = context.argv;
  if (role === 'subject') {
    await serveCycles(configFile, 'given back');
    return await new Promise(() => undefined);
  }
  const { values } = parseFlags(context.argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- detectors [flags]', FLAGS));
    return 0;
  }
  const parts = partsOf(values.part);
  const folder = parts.some(isRecorded) ? await recorded(values, context) : '';
  for (const part of parts) {
    for (const table of await measure(part, folder, values, context)) {
      process.stdout.write(`\n${table.markdown}\n`);
      if (!values['no-results']) keepResults(part, table);
    }
  }
  return 0;
}

function isRecorded(part: Part): boolean {
  return part === 'response-times' || part === 'container-metrics';
}

function partsOf(text: string | undefined): Part[] {
  if (text === undefined) return [...PARTS];
  return text.split(',').map((name) => {
    const part = PARTS.find((known) => known === name);
    if (part === undefined) throw new UsageError(`--part: expected ${PARTS.join(', ')}, got "${name}"`);
    return part;
  });
}

/** @returns the folder of the recording that is evaluated */
async function recorded(values: Values, { stops, signal }: ProgramContext): Promise<string> {
  if (values.replay !== undefined) return resolve(values.replay);
  const kept = values.record === undefined ? undefined : resolve(values.record);
  const folder = kept ?? mkdtempSync(join(tmpdir(), 'lorikeet-bench-detectors-'));
  if (kept === undefined) stops.onStop('recording', () => rmSync(folder, { recursive: true, force: true }));
  await recordScenarios({
    folder,
    seed: values.seed,
    scale: values.scale,
    design: DESIGNS.find((name) => name === values.design) ?? 'full',
    trainingMs: values.training * MINUTE_MS,
    normalMs: values.normal * MINUTE_MS,
    recoveryMs: values.recovery * SECOND_MS,
    stops,
    signal,
    say,
  });
  return folder;
}

async function measure(part: Part, folder: string, values: Values, { stops }: ProgramContext): Promise<Table[]> {
  const { seeds } = values;
  switch (part) {
    case 'response-times': {
      const intervalsMs = values.intervals.split(',').map((seconds) => Number(seconds) * SECOND_MS);
      return await responseTimes(folder, { seeds, intervalsMs, say });
    }
    case 'patterns':
      return [await patternAccuracy(seeds)];
    case 'window-times':
      return [await windowTimes()];
    case 'container-metrics':
      return [await containerMetrics(folder, { seeds, intervalMs: values['pod-interval'] * SECOND_MS, stops, say })];
    case 'replicas':
      return [await compareReplicas(values.drawn)];
    case 'fleet':
      return [await measureFleet(values.services, values.cycles, say)];
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

await runProgram('bench-detectors', main, STOP_TIMEOUT_MS);
