import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Flags, HELP_FLAG, parseFlags, renderHelp } from '../../daemon/flags.ts';
import { type ProgramContext, runProgram } from '../../daemon/lifecycle.ts';
import { createRandom, type Random } from '../../microsim/protocol/random.ts';
import { Processes } from '../demo/processes.ts';
import { type RunningSim, startSim } from '../demo/sim.ts';
import { program, ROOT, startStack } from '../demo/stack.ts';

const FLAGS = {
  minutes: { type: 'number', default: 40, help: 'Duration of the recorded fault-free traffic, minutes.' },
  seed: { type: 'number', default: 7, help: 'Random seed for the load and for training.' },
  output: { type: 'string', default: join(ROOT, 'models/base.onnx'), help: 'File for the model (.onnx).' },
  ...HELP_FLAG,
} as const satisfies Flags;

const MINUTE_MS = 60_000;
/** Time between two changes of the load, from which the model learns the effect of load on every signal. */
const LEVEL_MS = 4 * MINUTE_MS;
/** Range of the load, visits/s. */
const LEVELS = [12, 26] as const;
/** Minimum learning time in the shipped configuration, in demo time: the threshold of new services depends on it. */
const LEARNING_MS = 75_000;
const STOP_TIMEOUT_MS = 60_000;

/** Records fault-free traffic of the simulated shop in demo time and trains the base model on it. */
async function main({ argv, stops, signal }: ProgramContext): Promise<number> {
  const { values } = parseFlags(argv, FLAGS);
  if (values.help) {
    process.stdout.write(renderHelp('npm run generate -- base-model [--minutes=40]', FLAGS));
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-train-'));
  stops.onStop('folder', () => rmSync(folder, { recursive: true, force: true }));
  const processes = new Processes(folder);
  const sim = await startSim(folder, stops);
  stops.onStop('programs', () => processes.stop());
  const stack = await startStack({
    folder,
    processes,
    learningMs: LEARNING_MS,
    targetsFile: sim.targetsFile,
    withoutScorer: true,
  });
  const from = new Date();
  await record(sim, processes, values.minutes * MINUTE_MS, createRandom(values.seed), signal);
  return await runToEnd(process.execPath, [
    program('lorikeet-scorer'),
    'train',
    `--config.file=${stack.scorerConfig}`,
    `--model=${values.output}`,
    `--from=${from.toISOString()}`,
    `--seed=${values.seed}`,
  ]);
}

async function record(
  sim: RunningSim,
  processes: Processes,
  forMs: number,
  random: Random,
  signal: AbortSignal,
): Promise<void> {
  const end = Date.now() + forMs;
  while (Date.now() < end) {
    processes.check();
    const level = Math.round(LEVELS[0] + random.next() * (LEVELS[1] - LEVELS[0]));
    await sim.client.load({ level });
    const minutes = Math.max(0, Math.round((end - Date.now()) / MINUTE_MS));
    process.stdout.write(`recording at ${level} visits a second, ${minutes} minutes left\n`);
    await sleep(Math.min(LEVEL_MS, Math.max(0, end - Date.now())), undefined, { signal });
  }
}

function runToEnd(command: string, args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });
}

await runProgram('train-base', main, STOP_TIMEOUT_MS);
