import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultSeries, historyOf, loadFaultSeries } from '../../bench/sim/fault-series.ts';
import { DEFAULT_FAULT_TYPES } from '../../microsim/protocol/fault.ts';
import { readFeatures } from '../../scorer/features/features.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { calibrateServices } from '../../scorer/learning/calibrate.ts';
import { type FleetModel, openModel } from '../../scorer/learning/store/model-store.ts';
import { SHIPPED_FEATURES, SHIPPED_MODEL } from '../../scorer/paths.ts';
import type { Profiles } from '../../scorer/scoring/profiles/profiles-file.ts';
import { scoreFleet } from '../../scorer/scoring/score-fleet.ts';
import { DEFAULT_LAGS, type TensorShape } from '../../scorer/tensor/tensor.ts';

/** Features recorded of the simulated shop by `npm run bench -- sim`, one fault of each type (docs/evaluation.md). */
const recorded = loadFaultSeries(join(import.meta.dirname, '../testdata/fault-series.json.gz'));
const set = readFeatures(SHIPPED_FEATURES);
const shape: TensorShape = { features: set.features, steps: DEFAULT_LAGS };

/** Cycles at the start of a fault, before a whole window has it. */
const SETTLED = 2;

/** The effect of each recorded fault type on the service or its callers: the expected features. */
const SIGNALS: Readonly<Record<(typeof DEFAULT_FAULT_TYPES)[number], readonly string[]>> = {
  latency: ['request_latency', 'request_latency_p90', 'called_latency'],
  cpu: ['cpu_seconds_per_request', 'cpu_cores'],
  // It responds immediately, with fewer bytes and without calls.
  error: ['sent_bytes_per_request', 'calls_per_request'],
  memory_leak: ['memory_bytes'],
  pause: ['called_failure_rate'],
  refuse: ['called_failure_rate'],
  // The memory of a missing process.
  crash: ['memory_bytes', 'called_failure_rate'],
};

let model: FleetModel;
beforeAll(async () => {
  const opened = await openModel([SHIPPED_MODEL], set, DEFAULT_LAGS);
  if (opened.model === undefined) throw new Error('the shipped model does not fit the shipped features');
  model = opened.model;
});
afterAll(() => model.autoencoder.close());

/** The feature with the largest share at each step of a fault after these cycles. */
async function explain(fault: FaultSeries): Promise<string[]> {
  const history = historyOf(fault, recorded.columns, set.features);
  const fleet = new Fleet(set, recorded.intervalMs, history.capacity);
  fleet.services.set(fault.service, history);
  const [from, to] = [fault.learned[0]?.[0] ?? 0, fault.learned.at(-1)?.[0] ?? 0];
  const learnable = { key: fault.service, history, from, to, heldOutFrom: from, days: 7 };
  const services = await calibrateServices(shape, [learnable], {
    model: model.autoencoder,
    prior: model.prior,
    heldOut: false,
  });
  const profiles: Profiles = {
    model: model.checksum,
    features: set.features.map(({ name }) => name),
    edgeFeatures: set.edges.map(({ name }) => name),
    windowsMs: set.windows,
    steps: DEFAULT_LAGS,
    intervalMs: recorded.intervalMs,
    learnedAtMs: to * recorded.intervalMs,
    services,
    edges: new Map(),
  };
  const topFeatures: string[] = [];
  for (const [step] of fault.broken.slice(SETTLED)) {
    const { scores } = await scoreFleet(shape, set, fleet, step, profiles, model.autoencoder);
    topFeatures.push(scores[0]?.shares[0]?.feature ?? 'nothing');
  }
  return topFeatures;
}

describe('the largest share of a broken service', () => {
  it.each(DEFAULT_FAULT_TYPES)('names the signal of %s', async (type) => {
    const fault = recorded.faults.find((candidate) => candidate.type === type);
    if (fault === undefined) throw new Error(`no fault of type ${type} was recorded`);
    const topFeatures = await explain(fault);
    expect(topFeatures.length).toBeGreaterThan(3);
    expect(SIGNALS[type]).toEqual(expect.arrayContaining(topFeatures));
  });
});
