import { defineCommand, loggerOf, print, runApp } from '../../daemon/command.ts';
import { spawn } from 'node:child_process';
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError, type FlagValues } from '../../daemon/flags.ts';
import type { ProgramContext } from '../../daemon/lifecycle.ts';
import { renderText } from '../../daemon/secrets/redact.ts';
import { findCgroupMount } from '../controller/cgroup.ts';
import { connectSim } from '../controller/client.ts';
import { waitFor } from '../protocol/condition.ts';
import { Instance, requireRoot } from '../controller/instance.ts';
import { SimError } from '../protocol/error.ts';
import { RUNTIMES, besidePrograms } from '../protocol/runtime.ts';
import { networkSchema, readTopology, tracesSchema, type Topology } from '../topology/topology.ts';
import { SIM_FLAGS } from './flags.ts';
import { SimulationApp } from './simulation-app.ts';

const FLAGS = {
  topology: {
    type: 'string',
    default: 'web-shop',
    help: 'Name of a bundled topology, or path of a YAML file.',
  },
  network: {
    type: 'string',
    help: "Private /24 instead of the topology's. Two simulations monitored by one exporter need different networks.",
  },
  runtime: { type: 'string', choices: RUNTIMES, help: "Language of the services, instead of the topology's." },
  traces: {
    type: 'string',
    help: "OTLP endpoint over HTTP to which the services send spans, such as http://127.0.0.1:4318, instead of the topology's.",
  },
  'traces.share': {
    type: 'number',
    help: "Share of the traces that are sampled, 0 to 1, instead of the topology's (1).",
  },
  seed: { type: 'number', default: 1, help: 'Seed of load, routes and service times.' },
  foreground: {
    type: 'boolean',
    help: 'Stay in the foreground, log to standard error, and stop the simulation on SIGTERM or SIGINT.',
  },
  'web.listen-address': {
    type: 'string',
    help: 'Also serve the API on this loopback address, such as 127.0.0.1:9480.',
  },
  ...SIM_FLAGS,
} as const;
type UpFlags = FlagValues<typeof FLAGS>;

/** The directory of the bundles, that of the running program. */
const PROGRAMS = dirname(fileURLToPath(import.meta.url));
const READY_TIMEOUT_MS = 120_000;

export const up = defineCommand({
  usage: 'up [flags]',
  summary: 'Start a simulation and wait until every service answers.',
  flags: FLAGS,
  async run(flags, _words, context) {
    requireRoot();
    findCgroupMount();
    const topology = readTopologyFlag(flags);
    const listen = readListenAddress(flags['web.listen-address']);
    const instance = new Instance(flags.name, flags['state.dir']);
    if (!flags.foreground) return detach(topology, instance, context);
    const logger = loggerOf(flags);
    const options = { instance, topology, seed: flags.seed, programs: PROGRAMS, listen, logger };
    return runApp(new SimulationApp(options), logger, context);
  },
});

/** Starts this program again as the controller and waits until it is ready. */
async function detach(topology: Topology, instance: Instance, { argv, self, signal }: ProgramContext): Promise<void> {
  const lock = await instance.lock();
  if (lock === undefined) throw new SimError(`${instance.name} is already running`);
  instance.createStateDir();
  const log = openSync(instance.log, 'w+');
  await new Promise((resolve) => lock.close(resolve));
  const [command, script] = self;
  const child = spawn(command, [script, ...argv, '--foreground'], { detached: true, stdio: ['ignore', log, log] });
  let status: number | null | undefined;
  child.once('exit', (code) => {
    status = code ?? 1;
  });
  const sim = connectSim(instance.stateDir);
  const isReady = async () => status !== undefined || (await sim.status().catch(() => undefined))?.ready === true;
  const ready = await waitFor(isReady, READY_TIMEOUT_MS, signal);
  if (status !== undefined) {
    throw new SimError(lastLine(log).replace(/^lorikeet-sim: /, '') || `the controller exited with status ${status}`);
  }
  if (ready === undefined) {
    child.kill('SIGTERM');
    await waitFor(() => status !== undefined, 10_000);
    throw new SimError(signal.aborted ? 'interrupted' : `not ready after ${READY_TIMEOUT_MS / 1000} s`);
  }
  closeSync(log);
  child.unref();
  const count = Object.keys(topology.services).length;
  print(`${instance.name}: ${count} services, ${topology.load.level} requests/s, targets in ${instance.targetsFile}\n`);
}

/** The last line of an open file, which may have been deleted in the meantime. */
function lastLine(file: number): string {
  const buffer = Buffer.alloc(fstatSync(file).size);
  readSync(file, buffer, 0, buffer.length, 0);
  return buffer.toString().trim().split('\n').at(-1) ?? '';
}

function readTopologyFlag(flags: UpFlags): Topology {
  const bundled = besidePrograms(PROGRAMS, `topologies/${flags.topology}.yaml`);
  const path = flags.topology.includes('/') || !existsSync(bundled) ? flags.topology : bundled;
  const read = readTopology(path);
  const topology = {
    ...read,
    runtime: RUNTIMES.find((name) => name === flags.runtime) ?? read.runtime,
    traces: readTraces(flags, read),
  };
  if (flags.network === undefined) return topology;
  const network = networkSchema.safeParse(flags.network);
  if (network.success) return { ...topology, network: network.data };
  throw new UsageError(`--network: ${network.error.issues[0]?.message}, got ${renderText(flags.network)}`);
}

function readTraces(flags: UpFlags, { traces }: Topology): Topology['traces'] {
  const endpoint = flags.traces ?? traces?.endpoint;
  if (endpoint === undefined) {
    if (flags['traces.share'] === undefined) return undefined;
    throw new UsageError('--traces.share needs --traces');
  }
  const parsed = tracesSchema.safeParse({ endpoint, share: flags['traces.share'] ?? traces?.share });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`--${issue?.path[0] === 'share' ? 'traces.share' : 'traces'}: ${issue?.message}`);
}

/** Loopback only: the API can break the services. */
function readListenAddress(text: string | undefined): { host: string; port: number } | undefined {
  if (text === undefined) return undefined;
  const match = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535) {
    throw new UsageError(
      `--web.listen-address: expected a loopback address such as 127.0.0.1:9480, got ${renderText(text)}`,
    );
  }
  return { host: match[1].replaceAll(/[[\]]/g, ''), port };
}
