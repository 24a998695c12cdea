import { setTimeout as sleep } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { createLogger } from '../../../daemon/logger.ts';
import { StopStack } from '../../../daemon/lifecycle.ts';
import { LoadGenerator } from '../../../microsim/load/load-generator.ts';
import { parseFault } from '../../../microsim/protocol/fault.ts';
import { SimulatedService } from '../../../microsim/service/simulated-service.ts';
import { openTracing } from '../../../microsim/service/tracing-sdk.ts';
import { readTopology } from '../../../microsim/topology/topology.ts';
import { tracesSchema } from '../../../scorer/traces/config.ts';
import { TraceReceiver } from '../../../scorer/traces/receiver/receiver.ts';
import type { Trace } from '../../../scorer/traces/span.ts';
import { startOf } from './train-ticket.ts';

/** A fault of microsim, by its arguments. */
export interface SimFault {
  readonly service: string;
  readonly type: string;
  readonly args?: Readonly<Record<string, number | string>>;
}

/** What happened for a while. */
export interface Stretch {
  /** Undefined for a stretch without. */
  readonly fault: SimFault | undefined;
  readonly traces: readonly Trace[];
}

const FIRST_PORT = 18_800;
/** Requests under way when a fault begins or ends are of neither stretch. */
const BETWEEN_MS = 3000;
/** Until the SDK has sent its last batch and the receiver has waited. */
const LAST_MS = 6000;

/**
 * Runs microsim's web shop in this process, sending spans by OpenTelemetry's SDK to a receiver, one stretch after
 * another.
 *
 * @param plan seconds of each stretch
 */
export async function simulate(
  plan: readonly { readonly seconds: number; readonly fault?: SimFault }[],
  level: number,
): Promise<Stretch[]> {
  const stops = new StopStack();
  const traces: Trace[] = [];
  const config = tracesSchema.parse({ listen_address: '127.0.0.1:0', wait: '3s' });
  const logger = createLogger({ level: 'warn', format: 'logfmt' });
  const receiver = new TraceReceiver({ config, registry: new Registry(), logger });
  receiver.onTrace((trace) => traces.push(trace));
  const address = await receiver.start();
  stops.onStop('receiver', () => receiver.stop());
  const topology = readTopology('microsim/topologies/web-shop.yaml');
  const names = Object.keys(topology.services);
  const callees = Object.fromEntries(names.map((name, at) => [name, { host: '127.0.0.1', port: FIRST_PORT + at }]));
  const services = new Map<string, SimulatedService>();
  for (const [at, [service, spec]] of Object.entries(topology.services).entries()) {
    const tracing = openTracing(service, {
      url: `http://${address}/v1/traces`,
      share: 1,
      namespace: topology.namespace,
    });
    const simulated = new SimulatedService(
      { service, listen: callees[service]!, admin: '', callees, seed: 100 + at, ...spec },
      tracing,
    );
    await simulated.listen();
    services.set(service, simulated);
  }
  const load = { admin: '', callees, seed: 1, settings: { ...topology.load, level }, requests: topology.requests };
  const generator = new LoadGenerator({ ...load, paths: true });
  generator.start();
  await sleep(BETWEEN_MS);
  const times: { readonly fault: SimFault | undefined; readonly fromMs: number; readonly toMs: number }[] = [];
  for (const { seconds, fault } of plan) {
    const faulty = fault && services.get(fault.service);
    await faulty?.setFault(parseFault(fault?.type, fault?.args));
    await sleep(BETWEEN_MS);
    const fromMs = Date.now();
    await sleep(seconds * 1000);
    times.push({ fault, fromMs, toMs: Date.now() - 1000 });
    await faulty?.setFault(null);
    process.stdout.write(
      `  ${fault === undefined ? 'no fault' : `${fault.service} ${fault.type}`}: ${traces.length} traces\n`,
    );
  }
  await sleep(LAST_MS);
  await receiver.sweep();
  await stops.stop();
  return times.map(({ fault, fromMs, toMs }) => ({
    fault,
    traces: traces.filter((trace) => startOf(trace) >= fromMs && startOf(trace) < toMs),
  }));
}
