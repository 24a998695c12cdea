import { mkdirSync, rmdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { findCgroupMount } from '../../../microsim/controller/cgroup.ts';
import type { RunningProgram } from '../../running-program.ts';
import type { Bench, StartOptions } from '../bench.ts';
import { type Connection, dial } from './connection.ts';

/** Targets with a cgroup each, whose long names make the page large: more than fits between two sockets. */
const TARGETS = 60;
const NAME = 'n'.repeat(250);

/** An exporter with a page of 7 MB. */
export interface LargePage {
  readonly exporter: RunningProgram;
  readonly pageBytes: number;
  /** Kills the exporter, and removes the cgroups of its targets. */
  stop(): Promise<void>;
}

export async function startLargePage(bench: Bench, options: StartOptions): Promise<LargePage> {
  const root = findCgroupMount();
  const cgroups = Array.from({ length: TARGETS }, (_, index) => join(root, `lorikeet-hostile-${process.pid}-${index}`));
  for (const path of cgroups) mkdirSync(path);
  const target = (path: string) =>
    `  - { namespace: '${NAME}', service: '${NAME}', pod: '${basename(path)}', cgroup: '/${basename(path)}' }\n`;
  bench.write('targets.yaml', `targets:\n${cgroups.map(target).join('')}`);
  const exporter = bench.launch('exporter', ['--targets.file=targets.yaml'], options);
  const stop = async () => {
    await exporter.kill();
    for (const path of cgroups) rmdirSync(path);
  };
  try {
    await exporter.listening();
    return { exporter, pageBytes: (await exporter.get('/metrics')).text.length, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Asks for the page and reads none of it. */
export async function readNothing({ port }: RunningProgram): Promise<Connection> {
  const connection = await dial(port);
  connection.socket.pause();
  connection.socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  return connection;
}
