import { EventReader } from '../../../scorer/detectors/trace-sequence/events/events.ts';
import { learnTraces } from '../../../scorer/detectors/trace-sequence/learn.ts';
import type { TraceSequenceSettings } from '../../../scorer/detectors/trace-sequence/settings.ts';
import { TraceSequence } from '../../../scorer/detectors/trace-sequence/trace-sequence.ts';
import { parseFeatures } from '../../../scorer/features/features.ts';
import { Fleet } from '../../../scorer/fleet/fleet.ts';
import { serviceName } from '../../../scorer/identity/service-key.ts';
import type { Trace } from '../../../scorer/traces/span.ts';

const MINUTE = 60_000;
/** The detector reads no features, but every set has one. */
const SET = parseFeatures(
  'none',
  "windows: [1m, 5m, 15m]\nfeatures: [{ name: up, expr: 'up[$window]', scale: ratio }]",
);

async function* noHistory(): AsyncGenerator<Fleet> {}

/** Learns from fault-free traces, `perStep` of which are a cycle's. */
export async function learn(
  traces: readonly Trace[],
  perStep: number,
  settings: TraceSequenceSettings,
  seed: number,
): Promise<TraceSequence> {
  const reader = new EventReader(settings.order);
  const sequences = traces.flatMap((trace) => reader.read(trace) ?? []).map((sequence) => ({ sequence, weight: 1 }));
  const past = { set: SET, from: 0, to: 0, minSteps: 1, services: [], groups: noHistory, seed };
  const model = await learnTraces({ ...past, traces: { sequences: () => sequences, perStep } }, settings);
  return TraceSequence.open(model, settings);
}

/** A verdict on one service. */
export interface Ranked {
  readonly service: string;
  readonly score: number;
  readonly kind: string | undefined;
}

let step = 0;

/** The services of one cycle's traces, the highest score first. */
export async function rank(detector: TraceSequence, traces: readonly Trace[]): Promise<Ranked[]> {
  const verdicts = await detector.score({ set: SET, fleet: new Fleet(SET, MINUTE, 1), traces }, ++step);
  return verdicts
    .map(({ key, score, shares }) => ({ service: serviceName(key).service, score, kind: shares[0]?.feature }))
    .sort((a, b) => b.score - a.score);
}
