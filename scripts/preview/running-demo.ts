import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunningDemo {
  readonly prometheusUrl: string;
  readonly scorerUrl: string;
  /** Resolves with the Unix time when the faulty service has an alert and is named as the root cause. */
  incident(): Promise<number>;
  /** Stops it and everything that it started. */
  stop(): Promise<void>;
}

/** Starts the built demo and resolves when its Prometheus runs. */
export async function startDemo(flags: readonly string[]): Promise<RunningDemo> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-dashboards-'));
  const child = spawn(
    process.execPath,
    [resolve('dist/demo.js'), `--report=${join(folder, 'report.json')}`, ...flags],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const read = (chunk: Buffer) => void (output += chunk.toString());
  child.stdout.on('data', read);
  child.stderr.on('data', read);
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(output);
      if (found !== null) return found;
      if (child.exitCode !== null || output.includes('failed: ')) throw new Error(`the demo: ${output.slice(-2000)}`);
      await sleep(100);
    }
  };
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const [, prometheusUrl = '', scorerUrl = ''] = await until(/Prometheus (http:\S+).*scorer (http:\S+)/);
    const incident = async () => {
      await until(/root cause 1 is/);
      return Date.now() / 1000;
    };
    return { prometheusUrl, scorerUrl, incident, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill('SIGINT');
  await ended;
}
