import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { freePort } from '../../scripts/free-port.ts';
import { until } from '../until.ts';

/** The program that scripts/build-otel-collector.sh has built; undefined without it. */
export function otelCollector(): string | undefined {
  const folder = execFileSync('bash', ['scripts/build-otel-collector.sh', '--path'], { encoding: 'utf8' }).trim();
  const program = join(folder, 'otelcol');
  return existsSync(program) ? program : undefined;
}

export interface RunningCollector {
  /** Where it takes OTLP over HTTP. */
  readonly url: string;
  readonly log: readonly string[];
  /** Ends the process by its id and removes its configuration. */
  stop(): Promise<void>;
}

/** A Collector that takes traces and sends them on by `exporter`, the settings of an otlphttp exporter. */
export async function startOtelCollector(program: string, exporter: object): Promise<RunningCollector> {
  const folder = await mkdtemp(join(tmpdir(), `lorikeet-otelcol-${process.pid}-`));
  const endpoint = `127.0.0.1:${await freePort()}`;
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint } } } },
    processors: { batch: { timeout: '200ms' } },
    exporters: { otlphttp: exporter },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: { traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['otlphttp'] } },
    },
  };
  const path = join(folder, 'config.yaml');
  await writeFile(path, dump(config));
  const child = spawn(program, [`--config=file:${path}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  const log: string[] = [];
  child.stderr.on('data', (chunk) => log.push(String(chunk)));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://${endpoint}`;
  try {
    const answers = () =>
      fetch(`${url}/v1/traces`).then(
        () => true,
        () => undefined,
      );
    await until('the Collector to listen', answers, { timeoutMs: 20_000, seen: () => log.join('') });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, log, stop };
}
