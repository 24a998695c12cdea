/** Records the simulated shop with injected faults and evaluates the scores on them (docs/evaluation.md). */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Flags, type FlagValues, HELP_FLAG, parseFlags, renderHelp, UsageError } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram, type StopStack } from '../../daemon/lifecycle.ts';
import { RUNTIMES, type Runtime } from '../../microsim/protocol/runtime.ts';
import type { BacktestResult } from '../../scorer/backtest/backtest.ts';
import { renderTable, writeReports } from '../../scorer/backtest/report/report.ts';
import { REPORT_FLAGS, TRAINING_FLAGS } from '../../scorer/commands/flags.ts';
import { SHIPPED_MODEL } from '../../scorer/paths.ts';
import { ProgressBar } from '../../scorer/learning/progress.ts';
import { writeResults } from '../results.ts';
import { renderAccount } from './account.ts';
import { type EvaluateOptions, evaluateSession, withHistory } from './evaluate.ts';
import { readFaultSeries, writeFaultSeries } from './fault-series.ts';
import { inLifeTime } from './life-time.ts';
import { LEARNING_MINIMUM_MS, recordSession } from './record.ts';
import { readRecording, readSurroundings } from './recording.ts';
import { type ResultRow, resultRows } from './rows.ts';
import { trainOn } from './train.ts';

const MINUTE_MS = 60_000;
const LEARNING_SHARE = 0.3;
/**
 * Time of a new service before its faults: as long for its rates to settle as the minimum learning time, which follows.
 */
const YOUNG_MS = 2 * LEARNING_MINIMUM_MS;
const OTHER_RUNTIMES = RUNTIMES.filter((name) => name !== 'typescript');
/** Prometheus and a dozen services need time to stop completely. */
const STOP_TIMEOUT_MS = 120_000;

const FLAGS = {
  minutes: { type: 'number', default: 40, help: 'Minutes to record.' },
  seed: { type: 'number', help: 'Seed of load, services and faults. Default: random.' },
  'test-runtime': {
    type: 'string',
    choices: OTHER_RUNTIMES,
    help: 'Train on services in TypeScript, then test on them in this runtime and, for comparison, in TypeScript.',
  },
  history: { type: 'string', help: 'Keep the recorded history in this folder.' },
  replay: { type: 'string', help: 'Evaluate the history in this folder instead of recording one.' },
  model: {
    type: 'string',
    default: 'shipped',
    help: 'Base model: shipped, trained (on the time without faults), or the path of an .onnx file.',
  },
  'training.seed': TRAINING_FLAGS.seed,
  'export-series': {
    type: 'string',
    help: 'Write the features of the faulty services in the replayed history to this file, for tests.',
  },
  ...REPORT_FLAGS,
  ...HELP_FLAG,
} as const satisfies Flags;
type Values = FlagValues<typeof FLAGS>;

async function main({ argv, stops, signal }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run bench -- sim [flags]', FLAGS));
    return 0;
  }
  const runtime = OTHER_RUNTIMES.find((name) => name === values['test-runtime']);
  const bench = new Bench(values, stops, signal);
  if (values['export-series'] !== undefined) await bench.exportSeries(values['export-series']);
  else if (runtime === undefined) await bench.shop();
  else await bench.otherRuntime(runtime);
  return 0;
}

class Bench {
  readonly #values: Values;
  readonly #stops: StopStack;
  readonly #signal: AbortSignal;
  readonly #progress = new ProgressBar(process.stderr);

  constructor(values: Values, stops: StopStack, signal: AbortSignal) {
    this.#values = values;
    this.#stops = stops;
    this.#signal = signal;
  }

  /** Records and evaluates the shop as it is. */
  async shop(): Promise<void> {
    const { model: name, minutes } = this.#values;
    const folder = this.#folder();
    const duration = minutes * MINUTE_MS;
    const learningMs = duration * LEARNING_SHARE;
    await this.#record(folder, 'typescript', this.#seed(), learningMs, duration - learningMs);
    const rows = await this.#evaluate(folder, name, { model: modelPath(name) }, this.#values);
    writeResults('sim', rows);
  }

  /**
   * Evaluates whether the runtime of services matters: trains the model on services in TypeScript. The tested services
   * only get the scaling and threshold of every new service, from the minimum learning time.
   */
  async otherRuntime(runtime: Runtime): Promise<void> {
    const { minutes, out, html } = this.#values;
    const folder = this.#folder();
    const seed = this.#seed();
    const duration = minutes * MINUTE_MS;
    const learningMs = duration * LEARNING_SHARE;
    const [original, other] = [join(folder, 'typescript'), join(folder, runtime)];
    await this.#record(original, 'typescript', seed, learningMs, duration - learningMs);
    await this.#record(other, runtime, seed, YOUNG_MS, duration - learningMs);
    const model = join(folder, 'model', 'base.onnx');
    await trainOn(original, model, YOUNG_MS, this.#stops, this.#learning());
    const rows: ResultRow[] = [];
    for (const [tested, test] of Object.entries({ typescript: original, [runtime]: other })) {
      say(`\n# Trained on TypeScript, tested on ${tested}\n`);
      const reports = { out: withSuffix(out, tested), html: withSuffix(html, tested) };
      const learned = { model, learnedMs: LEARNING_MINIMUM_MS };
      rows.push(...(await this.#evaluate(test, 'trained on TypeScript', learned, reports)));
    }
    writeResults('sim-runtime', rows);
  }

  async exportSeries(path: string): Promise<void> {
    const { replay } = this.#values;
    if (replay === undefined) throw new UsageError('--export-series: expected --replay as well');
    writeFaultSeries(path, await withHistory(replay, this.#stops, (history) => readFaultSeries(replay, history)));
  }

  /** The directory of the history; a temporary one unless the history is kept. */
  #folder(): string {
    const kept = this.#values.replay ?? this.#values.history;
    if (kept !== undefined) return resolve(kept);
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-history-'));
    this.#stops.onStop('history', () => rmSync(folder, { recursive: true, force: true }));
    return folder;
  }

  /** The given seed, or a random one on which nothing was tuned. */
  #seed(): number {
    return this.#values.seed ?? Math.floor(Date.now() / 1000) % 1_000_000;
  }

  async #record(folder: string, runtime: Runtime, seed: number, learningMs: number, faultsMs: number): Promise<void> {
    if (this.#values.replay !== undefined) return;
    const load = loadavg().map((average) => average.toFixed(1));
    say(`recording services in ${runtime}, seed ${seed}; the machine's load average is ${load.join(' ')}\n`);
    await recordSession({
      folder,
      runtime,
      seed,
      learningMs,
      faultsMs,
      stops: this.#stops,
      signal: this.#signal,
      say: (line) => say(`${line}\n`),
    });
  }

  #learning(): Pick<EvaluateOptions, 'seed' | 'onProgress'> {
    return {
      seed: this.#values['training.seed'],
      onProgress: (phase, share, detail) => this.#progress.update(phase, share, detail),
    };
  }

  /** Prints and writes the evaluation of a recording. */
  async #evaluate(
    folder: string,
    model: string,
    options: Pick<EvaluateOptions, 'model' | 'learnedMs'>,
    reports: { readonly out: string; readonly html: string },
  ): Promise<ResultRow[]> {
    const result: BacktestResult = await evaluateSession(folder, this.#stops, { ...options, ...this.#learning() });
    this.#progress.end();
    const inLife = inLifeTime(result);
    say(`${renderAccount(result, readSurroundings(folder))}\n${renderTable(inLife)}`);
    await writeReports(inLife, { json: reports.out, html: reports.html });
    return resultRows(inLife, { ...readRecording(folder), model });
  }
}

function modelPath(name: string): string | undefined {
  if (name === 'trained') return undefined;
  return name === 'shipped' ? SHIPPED_MODEL : resolve(name);
}

/** `report.json` -> `report-python.json`. */
function withSuffix(path: string, what: string): string {
  return path.replace(/(\.[^./]*)?$/, `-${what}$1`);
}

function say(text: string): void {
  process.stdout.write(text);
}

await runProgram('bench-sim', main, STOP_TIMEOUT_MS);
