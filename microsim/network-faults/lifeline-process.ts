import { spawn, type ChildProcess } from 'node:child_process';

const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 5000;

/** A program that undoes what it did and ends when its standard input is closed: by `stop`, or as this process ends. */
export class LifelineProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  private constructor(child: ChildProcess, ended: Promise<number | null>) {
    this.#child = child;
    this.#ended = ended;
  }

  /** Starts it and waits for its output `ready`. @throws Error with its error output if it ends before. */
  static async start(command: readonly string[]): Promise<LifelineProcess> {
    const { child, ended, failure } = begin(command);
    const ready = new Promise<true>((resolve) => child.stdout?.once('data', () => resolve(true)));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => (timer = setTimeout(() => resolve(false), READY_TIMEOUT_MS)));
    const started = await Promise.race([ready, late, ended.then(() => undefined)]);
    clearTimeout(timer);
    if (started === true) return new LifelineProcess(child, ended);
    child.kill('SIGKILL');
    await ended;
    throw new Error(started === false ? `not ready after ${READY_TIMEOUT_MS / 1000} s` : failure());
  }

  /** Runs a program that ends by itself. @throws Error with its error output unless it exits with 0. */
  static async run(command: readonly string[]): Promise<void> {
    const { child, ended, failure } = begin(command);
    child.stdin?.end();
    if ((await ended) !== 0) throw new Error(failure());
  }

  /** Resolves to true if it had not ended before and exits with 0. */
  async stop(): Promise<boolean> {
    this.#child.stdin?.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const status = await this.#ended;
    clearTimeout(timer);
    return status === 0;
  }
}

function begin(command: readonly string[]) {
  const [program = '', ...args] = command;
  // A session of its own: Ctrl-C reaches the controller first, which closes the input.
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.on('error', () => undefined);
  const ended = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      said += error.message;
      resolve(null);
    });
    child.once('close', resolve);
  });
  const failure = () => {
    const lines = said.trim().split('\n').slice(0, 3).join('; ');
    return lines === '' ? `${program} ended with status ${child.exitCode ?? child.signalCode}` : lines;
  };
  return { child, ended, failure };
}
