import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleExporter, type Bundle, type Exporter } from '../exporter/program.ts';
import { writeTargets } from '../exporter/shop.ts';
import { withSandbox, type Cgroup, type Sandbox } from '../kernel/sandbox/sandbox.ts';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { until } from '../until.ts';

const PROGRAMS = fileURLToPath(new URL('programs', import.meta.url));
/** Larger servers take seconds to start. */
const START_MS = 60_000;
/** A client that hangs is killed before its test times out, which would leave the stage behind. */
const CLIENT_MS = 60_000;

/** The path of a traffic program. */
export const program = (name: string): string => join(PROGRAMS, name);

/** A service of a stage: a cgroup in a network namespace, with an address that the others can reach. */
export interface Place {
  readonly service: string;
  readonly address: string;
  /** A folder of its own, for configuration and data. */
  readonly folder: string;
  /** Starts a server and waits until it listens on `port`. */
  serve(command: readonly string[], port: number): Promise<Server>;
  /** Runs a command to its end and returns its output. @throws Error if it fails */
  run(command: readonly string[], input?: string): Promise<string>;
}

export interface Server {
  /** Sends SIGTERM and waits for the end. */
  stop(): Promise<void>;
}

/** A client and a server on two machines, and a service behind the server on the server's machine. */
export interface Stage {
  readonly client: Place;
  readonly server: Place;
  readonly backend: Place;
  readonly certificate: Certificate;
}

/** A self-signed certificate for all addresses of the laboratory, which is its own authority. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** An exporter that watches the services of all stages. */
export class Lab {
  readonly #bundle: Bundle;
  readonly #folder: string;
  readonly #targets: string;
  readonly #entries = new Map<string, string>();
  readonly exporter: Exporter;
  #stages = 0;

  private constructor(bundle: Bundle, folder: string, targets: string, exporter: Exporter) {
    this.#bundle = bundle;
    this.#folder = folder;
    this.#targets = targets;
    this.exporter = exporter;
  }

  static async start(...flags: readonly string[]): Promise<Lab> {
    const folder = mkdtempSync(join(tmpdir(), 'lorikeet-protocols-'));
    // Servers run as users of their own.
    execFileSync('chmod', ['755', folder]);
    makeCertificate(folder);
    const targets = join(folder, 'targets.yaml');
    writeTargets(targets, 'targets: []\n');
    const bundle = await bundleExporter();
    return new Lab(bundle, folder, targets, await bundle.start(`--targets.file=${targets}`, ...flags));
  }

  async stop(): Promise<void> {
    try {
      await this.exporter.stop();
    } finally {
      this.#bundle.remove();
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }

  /** Builds a stage for `work`, once the exporter knows its services, and removes it afterwards. */
  withStage<T>(work: (stage: Stage) => Promise<T>): Promise<T> {
    const number = ++this.#stages;
    const addresses = [1, 2, 3].map((host) => `10.${232 + (number >> 8)}.${number & 255}.${host}`);
    const [first = '', second = '', third = ''] = addresses;
    return withSandbox((left) =>
      withSandbox(async (right) => {
        connect(left, right, first, [second, third]);
        const services = [
          this.#place(`client-${number}`, left, left.childCgroup('client'), first),
          this.#place(`server-${number}`, right, right.childCgroup('server'), second),
          this.#place(`backend-${number}`, right, right.childCgroup('backend'), third),
        ] as const;
        await this.#untilKnown(services.map(({ service }) => service));
        const [client, server, backend] = services;
        const certificate = { key: join(this.#folder, 'key.pem'), cert: join(this.#folder, 'cert.pem') };
        try {
          return await work({ client, server, backend, certificate });
        } finally {
          for (const { service } of services) this.#entries.delete(service);
          this.#writeTargets();
        }
      }),
    );
  }

  #place(service: string, sandbox: Sandbox, cgroup: Cgroup, address: string): Place {
    const path = cgroup.path.replace(findCgroupMount(), '');
    const names = `namespace: lab, service: ${service}, pod: ${service}`;
    this.#entries.set(service, `  - {${names}, cgroup: ${path}, addresses: ["${address}"]}\n`);
    const folder = join(this.#folder, service);
    mkdirSync(folder);
    return placeOf(service, sandbox, cgroup, address, folder);
  }

  #writeTargets(): void {
    const lines = [...this.#entries.values()];
    writeTargets(this.#targets, lines.length === 0 ? 'targets: []\n' : `targets:\n${lines.join('')}`);
  }

  async #untilKnown(services: readonly string[]): Promise<void> {
    this.#writeTargets();
    await until(
      'the exporter to know the services',
      async () => {
        const known = Object.keys(await this.exporter.samples('lorikeet_target_info'));
        return services.every((service) => known.some((line) => line.includes(`service="${service}"`)));
      },
      { timeoutMs: 30_000, periodMs: 50 },
    );
  }
}

function makeCertificate(folder: string): void {
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...files, '-subj', '/CN=lab'], { stdio: 'ignore' });
  execFileSync('chmod', ['644', join(folder, 'key.pem')]);
}

function connect(left: Sandbox, right: Sandbox, first: string, others: readonly string[]): void {
  const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', right.netns];
  execFileSync('ip', ['-netns', left.netns, 'link', 'add', 'eth0', ...pair]);
  const plugIn = (sandbox: Sandbox, addresses: readonly string[]) => {
    for (const address of addresses) sandbox.configure('ip', 'address', 'add', `${address}/24`, 'dev', 'eth0');
    sandbox.configure('ip', 'link', 'set', 'eth0', 'up');
  };
  plugIn(left, [first]);
  plugIn(right, others);
}

function placeOf(service: string, sandbox: Sandbox, cgroup: Cgroup, address: string, folder: string): Place {
  const launch = (command: readonly string[]): Running => {
    const enter = 'echo $$ > "$0/cgroup.procs"; exec "$@"';
    const inside = ['nsenter', `--net=/run/netns/${sandbox.netns}`, '--'];
    return running(spawn('sh', ['-c', enter, cgroup.path, ...inside, ...command], { cwd: folder }), command);
  };
  return {
    service,
    address,
    folder,
    async serve(command, port) {
      const server = launch(command);
      const listens = () => sandbox.configure('ss', '-Hltn', `sport = :${port}`) !== '';
      await until(`${command[0]} to listen on ${port}`, () => (server.ended() ? server.failure() : listens()), {
        timeoutMs: START_MS,
        periodMs: 50,
        seen: server.output,
      });
      return { stop: () => server.stop() };
    },
    async run(command, input) {
      const child = launch(command);
      return child.finish(input);
    },
  };
}

interface Running {
  ended(): boolean;
  /** @throws Error with what it printed */
  failure(): never;
  readonly output: () => string;
  stop(): Promise<void>;
  finish(input?: string): Promise<string>;
}

function running(child: ChildProcess, command: readonly string[]): Running {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  // The end of a process that was ended is not an error.
  child.stdin?.on('error', () => undefined);
  const closed = once(child, 'close');
  const output = () => `${stdout.slice(-2000)}\n${stderr.slice(-2000)}`;
  const ended = () => child.exitCode !== null || child.signalCode !== null;
  const failure = (): never => {
    throw new Error(`${command.join(' ')} ended with ${child.exitCode ?? child.signalCode}: ${output()}`);
  };
  return {
    ended,
    failure,
    output,
    async stop() {
      if (ended()) return;
      child.kill('SIGTERM');
      await closed;
    },
    async finish(input) {
      child.stdin?.end(input);
      const hangs = setTimeout(() => child.kill('SIGKILL'), CLIENT_MS);
      await closed;
      clearTimeout(hangs);
      if (child.exitCode !== 0) failure();
      return stdout;
    },
  };
}
