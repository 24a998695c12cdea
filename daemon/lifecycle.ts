import { setMaxListeners } from 'node:events';
import { ConfigError } from './config-file.ts';
import { UsageError } from './flags.ts';
import { describeError } from './logger.ts';
import { standardError } from './streams/line-output.ts';
import { OutputError } from './streams/print.ts';
import { cutAndCount, escapeLines } from './text/visible.ts';

interface StopStep {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/**
 * The clean-up steps of a program, run in reverse order of registration. `stop` is idempotent, has a timeout, and joins
 * the errors of all steps.
 */
export class StopStack {
  readonly #steps: StopStep[] = [];
  #stopping: Promise<void> | undefined;

  onStop(name: string, run: () => void | Promise<void>): void {
    this.#steps.push({ name, run });
  }

  /** @throws AggregateError with one error for each step that failed or exceeded `timeoutMs`. */
  stop(timeoutMs = 5000): Promise<void> {
    this.#stopping ??= this.#run(Date.now() + timeoutMs);
    return this.#stopping;
  }

  async #run(deadline: number): Promise<void> {
    const errors: Error[] = [];
    for (const step of this.#steps.splice(0).reverse()) {
      try {
        await within(Promise.resolve(step.run()), Math.max(0, deadline - Date.now()));
      } catch (error) {
        errors.push(new Error(`stop ${step.name}`, { cause: error }));
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, errors.map(describeError).join('; '));
  }
}

async function within(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timed out')), milliseconds);
  });
  try {
    await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The context of a program's `main`. */
export interface ProgramContext {
  /** The program's name. */
  readonly name: string;
  /** The arguments after the program's name. */
  readonly argv: readonly string[];
  /** The command that starts this program, without arguments. */
  readonly self: readonly [command: string, script: string];
  readonly stops: StopStack;
  /** Aborted on SIGTERM or SIGINT. */
  readonly signal: AbortSignal;
  /** Sets the callback for SIGHUP. At most one reload runs at a time. */
  readonly onReload: (reload: () => void | Promise<void>) => void;
}

export type ProgramMain = (context: ProgramContext) => Promise<number | void>;

/**
 * Runs a program: the only code that uses argv, signals and the exit status. `main` resolves with the exit status, 0
 * when void. Exit status 2: invalid usage or configuration, reported in one line; 130 or 143: stopped by SIGINT or SIGTERM
 * before it was done; 1: any other failure.
 */
export async function runProgram(name: string, main: ProgramMain, stopTimeoutMs = 5000): Promise<void> {
  const stops = new StopStack();
  const abort = new AbortController();
  // Any number of requests may end with the program.
  setMaxListeners(0, abort.signal);
  let reload: (() => void | Promise<void>) | undefined;
  let reloading: Promise<void> = Promise.resolve();

  // Not `once`: a second Ctrl-C must not cut the clean-up short.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => abort.abort(signal));
  process.on('SIGHUP', () => {
    reloading = reloading.then(() => reload?.()).catch(() => undefined);
  });

  let status = 0;
  try {
    status =
      (await main({
        name,
        argv: process.argv.slice(2),
        self: [process.execPath, process.argv[1] ?? ''],
        stops,
        signal: abort.signal,
        onReload: (run) => {
          reload = run;
        },
      })) ?? 0;
  } catch (error) {
    status = endedBy(abort.signal, error) ? reportSignal(name, abort.signal) : reportFailure(name, error);
  }
  try {
    await stops.stop(stopTimeoutMs);
  } catch (error) {
    report(name, describeError(error));
    status ||= 1;
  }
  process.exit(status);
}

/** True if the program failed because it was told to stop. */
function endedBy(signal: AbortSignal, error: unknown): boolean {
  if (!signal.aborted) return false;
  if (error === signal.reason) return true;
  return error instanceof Error && ((error as { code?: unknown }).code === 'ABORTED' || endedBy(signal, error.cause));
}

/** Returns 128 and the number of the signal, as shells report a program that it ended. */
function reportSignal(name: string, { reason }: AbortSignal): number {
  report(name, `stopped by ${String(reason)}`);
  return reason === 'SIGINT' ? 130 : 143;
}

/** 128 + SIGPIPE, as shells report a program that the signal ended. */
const READER_LEFT = 141;

function reportFailure(name: string, error: unknown): number {
  if (error instanceof OutputError && error.readerLeft) return READER_LEFT;
  const usage = error instanceof ConfigError || error instanceof UsageError;
  report(name, describeError(error));
  return usage ? 2 : 1;
}

/** Characters of what is said about a failure. */
const MAX_REPORT = 4096;

function report(name: string, text: string): void {
  standardError.write(`${name}: ${escapeLines(cutAndCount(text, MAX_REPORT))}\n`);
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
