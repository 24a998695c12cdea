import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../../until.ts';

/** A program of dist/ under attack. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  readonly url: string;
  /** Its log so far, line by line. */
  readonly log: readonly string[];
  /** Undefined while it runs, then its exit status or signal. */
  readonly ended: () => number | string | undefined;
  /** Number of log lines with a text. */
  logged(text: string): number;
  /** The value of a series of /metrics; 0 if it is absent. @param series such as `name{reason="limit"}` */
  value(series: string, headers?: Readonly<Record<string, string>>): Promise<number>;
  signal(name: NodeJS.Signals): void;
  kill(): Promise<void>;
}

export interface RunOptions {
  readonly cwd: string;
  readonly args?: readonly string[];
  /** Default: a free port of 127.0.0.1. */
  readonly address?: string;
}

const PROGRAMS = { exporter: [], scorer: ['run'] } as const;

/** Starts a program as shipped and waits until it listens. */
export async function run(
  name: keyof typeof PROGRAMS,
  { cwd, args = [], address = '127.0.0.1:0' }: RunOptions,
): Promise<Running> {
  const program = resolve(`dist/lorikeet-${name}.js`);
  const argv = [program, ...PROGRAMS[name], `--web.listen-address=${address}`, ...args];
  const child = spawn(process.execPath, argv, { cwd, stdio: ['ignore', 'inherit', 'pipe'] });
  const log: string[] = [];
  let ended: number | string | undefined;
  const exited = once(child, 'exit').then(([status, signal]) => {
    ended = (status ?? signal) as number | string;
  });
  createInterface(child.stderr).on('line', (line) => log.push(line));
  const bound = await until(
    `the ${name} to listen`,
    () => {
      if (ended !== undefined) throw new Error(`the ${name} ended with ${ended}:\n${log.join('\n')}`);
      return log.map((line) => /msg=listening address=\S+:(\d+)/.exec(line)?.[1]).find((port) => port !== undefined);
    },
    { timeoutMs: 50_000, seen: () => log.join('\n') },
  );
  const url = `http://127.0.0.1:${bound}`;
  return {
    pid: child.pid as number,
    port: Number(bound),
    url,
    log,
    ended: () => ended,
    logged: (text) => log.filter((line) => line.includes(text)).length,
    async value(series, headers = {}) {
      const text = await (await fetch(`${url}/metrics`, { headers })).text();
      const line = text.split('\n').find((one) => one.startsWith(`${series} `));
      return line === undefined ? 0 : Number(line.slice(series.length + 1));
    },
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A configuration of the scorer whose Prometheus is unreachable. */
export const LONELY_SCORER = `prometheus: { url: 'http://127.0.0.1:9' }
remote_write: { url: 'http://127.0.0.1:9/api/v1/write' }
`;
