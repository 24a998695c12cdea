import type { Server } from 'node:net';
import type { App } from '../../daemon/command.ts';
import { aborted, StopStack } from '../../daemon/lifecycle.ts';
import type { Logger } from '../../daemon/logger.ts';
import { controllerRoutes } from '../controller/controller-api.ts';
import { Controller } from '../controller/controller.ts';
import { tracesUrl } from '../controller/process-configs.ts';
import { serveTraceRelay } from '../controller/trace-relay.ts';
import type { Instance } from '../controller/instance.ts';
import { SimError } from '../protocol/error.ts';
import { serveJson } from '../protocol/json-http.ts';
import type { Topology } from '../topology/topology.ts';

export interface SimulationOptions {
  readonly instance: Instance;
  readonly topology: Topology;
  readonly seed: number;
  /** The directory of the bundled programs of services and load. */
  readonly programs: string;
  /** Also serve the API on this address. Default: only on the instance's socket. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  readonly logger: Logger;
}

/** A running simulation: its controller and the controller's API. */
export class SimulationApp implements App {
  readonly #options: SimulationOptions;
  readonly #stops = new StopStack();
  /** Held until the process ends, so the name is in use for as long. */
  #lock: Server | undefined;

  constructor(options: SimulationOptions) {
    this.#options = options;
  }

  /** @throws SimError, CgroupError, CommandError */
  async start(signal: AbortSignal): Promise<void> {
    const { instance, listen, logger, ...options } = this.#options;
    this.#lock ??= await instance.lock();
    if (this.#lock === undefined) throw new SimError(`${instance.name} is already running`);
    instance.createStateDir();
    this.#stops.onStop('state directory', () => instance.removeStateDir());
    await instance.removeProcesses();
    instance.clearStateDir();

    const { traces } = options.topology;
    if (traces !== undefined) {
      const relay = await serveTraceRelay(instance.traceSocket, tracesUrl(traces.endpoint), logger);
      this.#stops.onStop('trace relay', () => {
        relay.close();
        relay.closeAllConnections();
      });
    }
    const controller = new Controller({ ...options, instance, logger });
    this.#stops.onStop('simulation', () => controller.stop());
    const routes = controllerRoutes(controller);
    for (const address of [instance.socket, ...(listen === undefined ? [] : [listen])]) {
      const server = await serveJson(address, routes);
      this.#stops.onStop('api', () => {
        server.close();
        server.closeAllConnections();
      });
    }
    await Promise.race([controller.start(), aborted(signal)]);
    if (!signal.aborted) logger.info('simulation is up', { name: instance.name, targets: instance.targetsFile });
  }

  stop(): Promise<void> {
    return this.#stops.stop();
  }
}
