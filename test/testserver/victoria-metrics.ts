import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../scripts/free-port.ts';
import { startProgram } from './prometheus.ts';

export interface RunningVictoriaMetrics {
  readonly url: string;
  /** Stops the process and removes its data. */
  stop(): Promise<void>;
}

/** True if Debian's package victoria-metrics is installed. */
export function hasVictoriaMetrics(): boolean {
  return runs('victoria-metrics');
}

/** True if its vmalert is. */
export function hasVmalert(): boolean {
  return runs('vmalert');
}

function runs(program: string): boolean {
  try {
    execFileSync(program, ['-version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts a real VictoriaMetrics on a free port of the loopback interface, with data in a temporary directory. */
export async function startVictoriaMetrics(flags: readonly string[] = []): Promise<RunningVictoriaMetrics> {
  const folder = await mkdtemp(join(tmpdir(), `lorikeet-victoria-metrics-${process.pid}-`));
  const url = `http://127.0.0.1:${await freePort()}`;
  try {
    const args = [
      `-storageDataPath=${folder}`,
      `-httpListenAddr=${url.slice('http://'.length)}`,
      '-memory.allowedBytes=64MB',
      '-loggerLevel=ERROR',
      ...flags,
    ];
    const program = await startProgram('victoria-metrics', args, `${url}/health`);
    return {
      url,
      stop: async () => {
        await program.kill();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
