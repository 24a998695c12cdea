import { Random } from '../../../scorer/numeric/random.ts';
import { SHIPPED_FEATURES } from '../../../scorer/paths.ts';
import { DEFAULT_LAGS } from '../../../scorer/tensor/tensor.ts';
import type { Converted } from '../write-recording.ts';
import { drawEvents } from './faults/draw-events.ts';
import { drawFaults } from './faults/draw-faults.ts';
import type { ShopFault } from './faults/fault.ts';
import { NAMESPACE } from './series/pod-counts.ts';
import { render } from './series/render.ts';
import { Simulation } from './simulation/simulation.ts';
import { Draws } from './topology/draws.ts';
import { drawTopology } from './topology/draw-topology.ts';

/** Midnight of a Wednesday. */
const START_MS = Date.parse('2026-03-04T00:00:00Z');
const HOUR = 3600;
/** Of the exporter's targets; a minute's window has three samples. */
const SCRAPE_SECONDS = 30;
/** Share of a recording without faults, at its start. */
const FAULT_FREE_SHARE = 0.5;
/** Streams of random numbers of one seed: for the shop, for what happens to it, and for each step. */
const STREAMS = { events: 0x5bd1e995, steps: 0x27d4eb2f } as const;

export interface GeneratedShop {
  readonly seed: number;
  /** Number of services. Default: drawn, 10 to 60. */
  readonly services?: number | undefined;
  readonly hours: number;
}

/** Generates the recording of a shop: its topology, what happens to it, and what a Prometheus scrapes of it. */
export function generateShop({ seed, services, hours }: GeneratedShop): Converted {
  const topology = drawTopology(seed, services);
  const draws = new Draws(new Random(seed ^ STREAMS.events));
  const seconds = Math.floor(hours * HOUR);
  const events = drawEvents(draws, topology, seconds);
  const faults = drawFaults(draws, topology, FAULT_FREE_SHARE * seconds, seconds);
  const plan = { topology, events, faults, stepSeconds: SCRAPE_SECONDS };
  const simulation = new Simulation(plan, seed ^ STREAMS.steps);
  for (let time = 0; time < seconds; time += SCRAPE_SECONDS) simulation.step(time);
  const scrapes = { fromMs: START_MS + SCRAPE_SECONDS * 1000, intervalMs: SCRAPE_SECONDS * 1000 };
  return {
    settings: {
      steps: [...DEFAULT_LAGS],
      source: `shop generated from seed ${seed}: ${topology.services.length} services, ${hours} h`,
    },
    features: SHIPPED_FEATURES,
    faults: faults.map(entryOf),
    services: render(simulation.pods.series, scrapes),
    edges: render(simulation.edges.series, scrapes),
  };
}

/** A fault as the format has it; `note` says what it is, to people. */
function entryOf(fault: ShopFault): Converted['faults'][number] & { readonly note: string } {
  const { type, service, from, to, harm, amount, client, replicas, grows } = fault;
  const time = (seconds: number) => new Date(START_MS + seconds * 1000).toISOString();
  const amountText = `${harm} ${amount.toPrecision(2)}`;
  const where = client === undefined ? '' : ` from ${client}`;
  const some = replicas === undefined ? '' : `, ${replicas} replica`;
  return {
    start: time(from),
    end: time(to),
    namespace: NAMESPACE,
    service,
    type,
    note: `${amountText}${where}${some}${grows ? ', growing' : ''}`,
  };
}
