/**
 * Compares models with parts for each service in addition to its scaling and threshold: a fine-tuned copy of the
 * network, or a small adapter. Uses a folder of recorded faults and the protocol of docs/evaluation.md.
 */
import { type Flags, parseFlags, renderHelp } from '../../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../../daemon/lifecycle.ts';
import { COLUMNS } from '../../../scorer/backtest/report/columns.ts';
import type { Figures } from '../../../scorer/backtest/figures.ts';
import { type BacktestSession, openSession } from '../../../scorer/backtest/session.ts';
import type { Profile } from '../../../scorer/scoring/profiles/profile.ts';
import type { Reconstructor } from '../../../scorer/detectors/reconstructor.ts';
import { Autoencoder } from '../../../scorer/detectors/autoencoder/autoencoder.ts';
import { calibrateServices } from '../../../scorer/learning/calibrate.ts';
import { TRAINING_FLAGS } from '../../../scorer/commands/flags.ts';
import { median } from '../../../scorer/numeric/statistics.ts';
import { allocateWindows, windowSize } from '../../../scorer/tensor/tensor.ts';
import { FOLDER_FLAGS, recordedFolder } from '../../recorded/recorded-folder.ts';
import { writeResults } from '../../results.ts';
import { type Adaptation, type Adapter, affine, fineTunedCopy, inputVector, scalingAlone } from './adapters.ts';

const FLAGS = {
  seeds: { type: 'number', default: 3, help: 'Number of seeds from which to train the fleet model: 1, 2 and so on.' },
  epochs: TRAINING_FLAGS.epochs,
  ...FOLDER_FLAGS,
} as const satisfies Flags;

/** Number of timed cycles of each, in turn. */
const TIMED_CYCLES = 50;

interface Row {
  readonly seed: number;
  readonly adaptation: string;
  readonly figures: Figures;
  readonly bytes_per_service: number;
  /** Time to fit it, once. */
  readonly fit_ms_per_service: number;
  /** Time to reconstruct, in each cycle. */
  readonly cycle_ms_per_service: number;
}

async function main({ argv, stops }: ProgramContext): Promise<number> {
  const { values, positionals } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- per-service <folder> [flags]', FLAGS));
    return 0;
  }
  const { progress, open } = recordedFolder(positionals, stops);
  const recording = await open();
  const rows: Row[] = [];
  for (let seed = 1; seed <= values.seeds; seed++) {
    const session = await openSession({ ...recording, seed, epochs: values.epochs });
    try {
      rows.push(...(await compare(session, seed)));
    } finally {
      await session.close();
    }
  }
  progress.end();
  process.stdout.write(table(rows));
  writeResults('per-service', rows);
  return 0;
}

interface Adapted {
  readonly name: string;
  readonly fleet: readonly Adapter[];
  readonly fitMs: number;
}

async function compare(session: BacktestSession, seed: number): Promise<Row[]> {
  const { shape, pasts, model, profiles } = session;
  const base = model.autoencoder;
  const { weights } = model;
  const opened: Autoencoder[] = [];
  const adaptations: readonly (readonly [string, Adaptation])[] = [
    ['scaling alone', scalingAlone(base)],
    ['fine-tuned copy', fineTunedCopy(weights, seed, (copy) => void opened.push(copy))],
    ['factor and offset', affine(base)],
    ['input vector', await inputVector(weights, base)],
  ];
  try {
    const adapted: Adapted[] = [];
    for (const [name, adaptation] of adaptations) {
      const started = performance.now();
      const fleet: Adapter[] = [];
      for (const service of pasts) fleet.push(await adaptation(shape, service));
      adapted.push({ name, fleet, fitMs: (performance.now() - started) / pasts.length });
    }
    const cycleMs = await timeCycles(session, adapted);
    const rows: Row[] = [];
    for (const [index, { name, fleet, fitMs }] of adapted.entries()) {
      const services = new Map<string, Profile>();
      for (const [at, service] of pasts.entries()) {
        const calibration = { model: fleet[at]!.model, heldOut: true };
        for (const [key, profile] of await calibrateServices(shape, [service], calibration)) services.set(key, profile);
      }
      const byKey = new Map(pasts.map(({ key }, at) => [key, fleet[at]!.model]));
      const scored = [...session.fleet.services.keys()].filter((key) => services.has(key));
      const joined = inOrder(
        scored.map((key) => byKey.get(key)!),
        windowSize(shape),
      );
      const replayed = await session.replay(name, { ...profiles, services }, joined);
      rows.push({
        seed,
        adaptation: name,
        figures: session.judge(replayed).figures,
        bytes_per_service: fleet[0]?.bytes ?? 0,
        fit_ms_per_service: round(fitMs),
        cycle_ms_per_service: round(cycleMs[index]!),
      });
    }
    return rows;
  } finally {
    for (const copy of opened) await copy.close();
  }
}

/** Reconstructs each window of a batch with the model of its service. */
function inOrder(models: readonly Reconstructor[], size: number): Reconstructor {
  return {
    async reconstruct(data, mask, count) {
      if (count !== models.length)
        throw new RangeError(`expected a window for each of ${models.length} services, got ${count}`);
      const out = new Float32Array(count * size);
      for (const [index, model] of models.entries()) {
        const [from, to] = [index * size, (index + 1) * size];
        out.set(await model.reconstruct(data.subarray(from, to), mask.subarray(from, to), 1), from);
      }
      return out;
    },
  };
}

/** Median time to reconstruct the fleet's windows once, in milliseconds per service. All take turns. */
async function timeCycles({ shape }: BacktestSession, adapted: readonly Adapted[]): Promise<number[]> {
  const times = adapted.map((): number[] => []);
  for (let cycle = 0; cycle < TIMED_CYCLES; cycle++) {
    for (const [index, { fleet }] of adapted.entries()) {
      const { data, mask, count } = allocateWindows(shape, fleet.length);
      const [first] = fleet;
      const model =
        first?.shared === true
          ? first.model
          : inOrder(
              fleet.map((adapter) => adapter.model),
              windowSize(shape),
            );
      const started = performance.now();
      await model.reconstruct(data, mask, count);
      times[index]!.push((performance.now() - started) / count);
    }
  }
  return times.map(median);
}

function table(rows: readonly Row[]): string {
  const head = ['', 'seed', ...COLUMNS.map(([title]) => title), 'bytes', 'fit ms', 'cycle ms'];
  const lines = [...rows]
    .sort((a, b) => a.adaptation.localeCompare(b.adaptation) || a.seed - b.seed)
    .map((row) => [
      row.adaptation,
      String(row.seed),
      ...COLUMNS.map(([, text]) => text(row.figures)),
      ...[row.bytes_per_service, row.fit_ms_per_service, row.cycle_ms_per_service].map(String),
    ]);
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

await runProgram('bench-per-service', main);
