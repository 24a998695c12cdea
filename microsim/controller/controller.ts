import { renameSync, writeFileSync } from 'node:fs';
import type { Logger } from '../../daemon/logger.ts';
import { createCgroup, delegateControllers, enterCgroup, ownCgroup } from './cgroup.ts';
import { CONTROLLER, HUB, LOAD, type Instance } from './instance.ts';
import type { Fault } from '../protocol/fault.ts';
import { FaultSwitch } from './fault-switch.ts';
import { requestJson } from '../protocol/json-http.ts';
import type { LoadSettings } from '../protocol/load-pattern.ts';
import { createNetwork } from './network.ts';
import { startNetworkFault } from '../network-faults/network-fault.ts';
import { loadConfig, serviceConfigs, type Places } from './process-configs.ts';
import { nodeCommand, serviceCommand } from '../protocol/runtime.ts';
import type { LoadStats, ServiceStats, ServiceStatus, SimStatus } from '../protocol/status.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { renderTargets } from './targets.ts';
import { replicasOf, type Replica } from '../topology/replicas.ts';
import type { Topology } from '../topology/topology.ts';

export interface ControllerOptions {
  readonly instance: Instance;
  readonly topology: Topology;
  readonly seed: number;
  /** The directory of the bundled programs. */
  readonly programs: string;
  readonly logger: Logger;
}

const STATS_TIMEOUT_MS = 1000;
/** Host numbers of the load generator and of the first service. */
const LOAD_HOST = 2;
const FIRST_HOST = 10;

/**
 * Owns a running simulation: starts its processes in their cgroups and namespaces, changes load and faults, stops it all.
 * If it is killed, the services keep running, like real ones, until `down` or the next `up`.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #services = new Map<string, SupervisedProcess>();
  readonly #replicas: readonly Replica[];
  readonly #faults: FaultSwitch;
  readonly #load: SupervisedProcess;
  readonly #since = new Date();
  #settings: LoadSettings;
  #ready = false;
  #starting: Promise<void> | undefined;
  #homeCgroup: string | undefined;

  constructor(options: ControllerOptions) {
    this.#options = options;
    const { topology, programs, logger } = options;
    this.#settings = topology.load;
    this.#replicas = replicasOf(topology.services);
    for (const { name } of this.#replicas) {
      const reapply = () => this.#faults.reapply(name);
      this.#services.set(
        name,
        new SupervisedProcess(this.#place(name, serviceCommand(topology.runtime, programs)), logger, reapply),
      );
    }
    this.#load = new SupervisedProcess(this.#place(LOAD, nodeCommand(programs, 'lorikeet-sim-load')), logger, () =>
      this.#startLoad(),
    );
    this.#faults = new FaultSwitch(
      { replicas: this.#services, services: Object.keys(topology.services) },
      (name) => this.#probe(name),
      (name, fault) =>
        startNetworkFault(fault, {
          netnsPath: this.#options.instance.netnsPath(name),
          address: this.#host(name),
          network: topology.network,
          peer: fault.callee === undefined ? undefined : this.#host(fault.callee),
          programs,
          scratch: this.#options.instance.file('fault.bpf.o'),
        }),
    );
  }

  /**
   * Starts everything and waits until every service answers over the network.
   *
   * @throws SimError, CgroupError or CommandError; call `stop` then, too.
   */
  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { instance, topology } = this.#options;
    this.#createCgroups();
    await createNetwork(
      instance.netns(HUB),
      [LOAD, ...this.#services.keys()].map((part) => ({ netns: instance.netns(part), address: this.#host(part) })),
    );
    this.#writeConfigs();
    // Wait for all before reporting a failure: processes that are still starting cannot be removed.
    const started = await Promise.allSettled([...this.#services.values(), this.#load].map((child) => child.start()));
    for (const result of started) if (result.status === 'rejected') throw result.reason;
    for (const name of this.#services.keys()) await this.#probe(name);
    this.#writeTargets(topology.namespace);
    await this.#startLoad();
    this.#ready = true;
  }

  /** Stops and removes everything that `start` made, also after a partial start. Keeps the state directory. */
  async stop(): Promise<void> {
    this.#ready = false;
    for (const child of [...this.#services.values(), this.#load]) child.abandon();
    // A removal during the start would leave namespaces and processes behind.
    await this.#starting?.catch(() => undefined);
    if (this.#homeCgroup !== undefined) enterCgroup(this.#homeCgroup, process.pid);
    await this.#options.instance.removeProcesses();
  }

  async status(): Promise<SimStatus> {
    const { instance, topology } = this.#options;
    const [load, ...services] = await Promise.all([
      this.#stats<LoadStats>(this.#load),
      ...[...this.#services].map(async ([name, child]) => [name, await this.#serviceStatus(name, child)] as const),
    ]);
    return {
      name: instance.name,
      namespace: topology.namespace,
      ready: this.#ready,
      pid: process.pid,
      since: this.#since.toISOString(),
      cgroup: instance.cgroup(),
      targets_file: instance.targetsFile,
      fault: this.#faults.active,
      ...(load === undefined ? {} : { load }),
      services: Object.fromEntries(services),
    };
  }

  /** @throws SimError if a fault is already active or the service does not exist. */
  async inject(service: string, fault: Fault): Promise<void> {
    await this.#faults.inject(service, fault);
    this.#options.logger.info('fault injected', { service, type: fault.type });
  }

  /** Clears the active fault, if any, and waits until the service answers again. */
  async lift(): Promise<void> {
    const lifted = await this.#faults.lift();
    if (lifted !== null) this.#options.logger.info('fault cleared', { service: lifted.service, type: lifted.type });
  }

  get settings(): LoadSettings {
    return this.#settings;
  }

  async setLoad(settings: LoadSettings): Promise<void> {
    this.#settings = settings;
    await requestJson(this.#load.place.admin, 'POST /load', settings);
  }

  #place(part: string, command: readonly string[]) {
    const { instance } = this.#options;
    return {
      name: part,
      cgroupPath: instance.cgroupPath(part),
      netnsPath: instance.netnsPath(part),
      command,
      configPath: instance.file(`${part}.json`),
      admin: instance.file(`${part}.sock`),
      logPath: instance.file(`${part}.log`),
    };
  }

  #host(part: string): string {
    const last = part === LOAD ? LOAD_HOST : FIRST_HOST + [...this.#services.keys()].indexOf(part);
    return this.#options.topology.network.replace(/0\/24$/, `${last}`);
  }

  #createCgroups(): void {
    const { instance } = this.#options;
    createCgroup(instance.cgroupPath());
    delegateControllers(instance.cgroupPath());
    for (const part of [CONTROLLER, LOAD, ...this.#services.keys()]) createCgroup(instance.cgroupPath(part));
    // Within this cgroup, the removal of an instance by its name also finds the controller.
    this.#homeCgroup = ownCgroup();
    enterCgroup(instance.cgroupPath(CONTROLLER), process.pid);
  }

  #writeConfigs(): void {
    const { instance, topology, seed } = this.#options;
    const places: Places = {
      topology,
      seed,
      host: (replica) => this.#host(replica),
      admin: (part) => instance.file(`${part}.sock`),
      traceSocket: instance.traceSocket,
    };
    for (const [name, config] of serviceConfigs(places)) {
      writeFileSync(instance.file(`${name}.json`), JSON.stringify(config));
    }
    writeFileSync(this.#load.place.configPath, JSON.stringify(loadConfig(places, LOAD)));
  }

  #writeTargets(namespace: string): void {
    const { instance } = this.#options;
    const targets = this.#replicas.map(({ name, service }) => ({
      namespace,
      service,
      cgroup: instance.cgroup(name),
      addresses: [this.#host(name)],
    }));
    writeFileSync(`${instance.targetsFile}.tmp`, renderTargets(targets));
    renameSync(`${instance.targetsFile}.tmp`, instance.targetsFile);
  }

  async #startLoad(): Promise<void> {
    await requestJson(this.#load.place.admin, 'POST /load', this.#settings);
    await requestJson(this.#load.place.admin, 'POST /start', {});
  }

  /** A request to a replica from the load generator. */
  async #probe(name: string): Promise<void> {
    await requestJson(this.#load.place.admin, 'POST /probe', {
      service: this.#serviceOf(name),
      host: this.#host(name),
    });
  }

  #serviceOf(replica: string): string {
    return this.#replicas.find(({ name }) => name === replica)?.service ?? replica;
  }

  async #serviceStatus(name: string, child: SupervisedProcess): Promise<ServiceStatus> {
    const stats = child.state === 'running' ? await this.#stats<ServiceStats>(child) : undefined;
    const service = this.#serviceOf(name);
    return {
      ...(service !== name && { replica_of: service }),
      state: child.state,
      address: this.#host(name),
      ...(child.pid === undefined ? {} : { pid: child.pid }),
      restarts: child.restarts,
      ...(stats === undefined ? {} : { stats }),
    };
  }

  /** Undefined while a process is starting or too busy to answer. */
  async #stats<T>(child: SupervisedProcess): Promise<T | undefined> {
    try {
      return (await requestJson(child.place.admin, 'GET /stats', undefined, STATS_TIMEOUT_MS)) as T;
    } catch {
      return undefined;
    }
  }
}
