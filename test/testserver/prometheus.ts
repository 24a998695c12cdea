import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/free-port.ts';

export interface PrometheusOptions {
  /** Default: the one on the PATH. */
  readonly program?: string;
  /** The YAML of `prometheus.yml`. Default: nothing to scrape. */
  readonly config?: string;
  /** Further flags, such as `--query.max-samples=1000`; `$folder` stands for that of the configuration. */
  readonly flags?: readonly string[];
  /** Enables the remote-write receiver. Default: true. */
  readonly receiver?: boolean;
  /**
   * Default: /-/ready responds with 200, which it does not for a server with a password, and the Alertmanagers of the
   * configuration are known, without which the first alerts would be lost for seconds.
   */
  readonly isReady?: (url: string) => Promise<boolean>;
  /** Further files in the folder of the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** OpenMetrics text for the initial data, whole or in parts, converted to blocks by promtool. */
  readonly history?: string | Iterable<string> | AsyncIterable<string>;
}

export interface RunningPrometheus {
  readonly url: string;
  readonly pid: number;
  /** Kills the process, keeping its data. */
  crash(): Promise<void>;
  /** Restarts it after `crash`, with the same address and data. */
  restart(): Promise<void>;
  /** Stops the process and removes its data. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a real Prometheus on a free port of the loopback interface, with data in a temporary directory, and resolves
 * when it answers queries and sends alerts. The remote-write receiver and the lifecycle API are enabled.
 */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), `lorikeet-prometheus-${process.pid}-`));
  try {
    return await startIn(folder, options);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function startIn(folder: string, options: PrometheusOptions): Promise<RunningPrometheus> {
  const configFile = join(folder, 'prometheus.yml');
  await writeFile(configFile, options.config ?? 'global: {}\n');
  for (const [name, text] of Object.entries(options.files ?? {})) await writeFile(join(folder, name), text);
  if (options.history !== undefined) await backfill(folder, options.history);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const sendsAlerts = options.config?.includes('alertmanagers:') === true;
  const { isReady = (at) => defaultIsReady(at, sendsAlerts) } = options;
  const launch = () =>
    startProgram(
      options.program ?? 'prometheus',
      [
        `--config.file=${configFile}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--storage.tsdb.retention.time=30d',
        `--web.listen-address=127.0.0.1:${port}`,
        ...(options.receiver === false ? [] : ['--web.enable-remote-write-receiver']),
        '--web.enable-lifecycle',
        '--log.level=warn',
        ...(options.flags ?? []).map((flag) => flag.replaceAll('$folder', folder)),
      ],
      () => isReady(url),
    );
  let program = await launch();
  return {
    url,
    get pid() {
      return program.pid;
    },
    crash: () => program.kill(),
    restart: async () => {
      program = await launch();
    },
    stop: async () => {
      await program.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function defaultIsReady(url: string, sendsAlerts: boolean): Promise<boolean> {
  if (!(await fetch(`${url}/-/ready`)).ok) return false;
  if (!sendsAlerts) return true;
  const answer = await (await fetch(`${url}/api/v1/alertmanagers`)).json();
  return (answer as { data: { activeAlertmanagers: readonly unknown[] } }).data.activeAlertmanagers.length > 0;
}

export interface RunningProgram {
  readonly pid: number;
  /** Stops the process. Idempotent. */
  kill(): Promise<void>;
}

/** Starts a program and resolves when it is ready: when a URL responds, or a custom check succeeds. */
export async function startProgram(
  name: string,
  args: readonly string[],
  ready: string | (() => Promise<boolean>),
): Promise<RunningProgram> {
  const child = spawn(name, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-20_000);
  });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      log += error.message;
      resolve();
    });
  });
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  try {
    const isReady = typeof ready === 'string' ? async () => (await fetch(ready)).ok : ready;
    await untilReady(isReady, () => child.exitCode !== null || child.pid === undefined, Date.now() + 60_000);
  } catch (error) {
    await kill();
    throw new Error(`${name} didn't start: ${log}`, { cause: error });
  }
  return { pid: child.pid ?? -1, kill };
}

async function untilReady(isReady: () => Promise<boolean>, ended: () => boolean, deadline: number): Promise<void> {
  for (;;) {
    if (ended()) throw new Error('the process ended');
    // Connections are refused until it listens.
    if (await isReady().catch(() => false)) return;
    if (Date.now() > deadline) throw new Error('not ready in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Converts OpenMetrics text to blocks below `folder/data`. */
async function backfill(folder: string, openMetrics: string | Iterable<string> | AsyncIterable<string>): Promise<void> {
  const file = join(folder, 'history.txt');
  await writeFile(file, typeof openMetrics === 'string' ? [openMetrics] : openMetrics);
  const child = spawn('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', file, join(folder, 'data')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status !== 0) throw new Error(`promtool tsdb create-blocks-from: status ${String(status)}: ${log}`);
  await rm(file);
}
