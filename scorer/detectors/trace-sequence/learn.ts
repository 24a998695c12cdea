import { tailOfPairs } from '../../numeric/tail.ts';
import { trainNetwork } from '../../training/train-network.ts';
import type { DetectorPast } from '../detector.ts';
import { NothingToLearnError } from '../error.ts';
import { DEVIATION_KINDS } from './deviations/deviations.ts';
import { learnDurations } from './deviations/durations.ts';
import type { Evidence } from './deviations/evidence.ts';
import { judge, type Knowledge, surpluses, type UsualShares } from './judge.ts';
import { encodeWeights } from '../learned-file.ts';
import { eventsOf, type ServiceModel, type TraceSequenceModel } from './model.ts';
import { eventNetwork } from './prediction/network.ts';
import { Predictor } from './prediction/predictor.ts';
import { differentSegments, SegmentSource } from './prediction/segments.ts';
import type { TraceSequenceSettings } from './settings.ts';
import { learnStructure } from './deviations/structure.ts';
import { Vocabulary, type WeightedSequence } from './prediction/vocabulary.ts';

/** Fewer traces teach nothing. */
const MIN_TRACES = 40;
/** Of each root operation, one trace in so many is held out of the training. */
const HOLD_OUT_EVERY = 4;
/** Traces of the fleet that a service's own share of deviating ones is mixed with. */
const PRIOR_TRACES = 20;
/** Share of deviating traces where the fleet shows none. */
const MIN_PRIOR_SHARE = 0.002;
/** Cycles that a threshold should rest on, and the fewest traces of one. */
const MIN_CYCLES = 10;
const MIN_CYCLE_TRACES = 20;
/** No service is calm enough to warn below this many standard deviations. */
const MIN_THRESHOLD = 5;
/** Below, a surplus is chance; it keeps the logarithms finite. */
const LEAST_SURPLUS = 0.5;

/**
 * Trains the network on three quarters of the traces. The last quarter says when to stop, how often a fault-free service
 * deviates, and how far a cycle's traces may be above that.
 *
 * @throws NothingToLearnError
 */
export async function learnTraces(past: DetectorPast, settings: TraceSequenceSettings): Promise<TraceSequenceModel> {
  const sequences = past.traces?.sequences() ?? [];
  if (sequences.length < MIN_TRACES) {
    throw new NothingToLearnError(`${sequences.length} traces, expected ${MIN_TRACES} or more`);
  }
  const { training, heldOut } = divide(sequences);
  const network = await train(training, heldOut, settings, past);
  const plain = training.map(({ sequence }) => sequence);
  const [structure, durations] = [learnStructure(plain), learnDurations(plain)];
  const { vocabulary, lengths, shape, weights } = network;
  const predictor = await Predictor.open(vocabulary, shape, lengths, weights, settings.candidates);
  try {
    const services = servicesOf(sequences);
    const knowledge = { predictor, structure, durations, settings, services };
    return {
      events: eventsOf(settings),
      vocabulary: [...vocabulary.keys],
      overflowed: vocabulary.overflowed,
      shape,
      overlap: lengths.overlap,
      weights: encodeWeights(weights),
      structure,
      durations,
      services: await calibrate(training, heldOut, knowledge, past.traces?.perStep ?? 0),
    };
  } finally {
    await predictor.close();
  }
}

/** Holds out every fourth trace of each root operation, so that all of time and all operations are in both parts. */
function divide(sequences: readonly WeightedSequence[]): Record<'training' | 'heldOut', WeightedSequence[]> {
  const counts = new Map<string, number>();
  const parts: Record<'training' | 'heldOut', WeightedSequence[]> = { training: [], heldOut: [] };
  for (const weighted of sequences) {
    const root = weighted.sequence.events[0]!.representative.key;
    const count = (counts.get(root) ?? 0) + 1;
    counts.set(root, count);
    parts[count % HOLD_OUT_EVERY === 0 ? 'heldOut' : 'training'].push(weighted);
  }
  return parts;
}

async function train(
  training: readonly WeightedSequence[],
  heldOut: readonly WeightedSequence[],
  settings: TraceSequenceSettings,
  { seed, signal, onProgress }: DetectorPast,
) {
  const vocabulary = Vocabulary.of(training, settings.vocabulary);
  // Tokens of the longest trace: START before its events, or END after them.
  const longest = training.reduce((most, { sequence }) => Math.max(most, sequence.events.length + 1), 2);
  const segment = Math.min(settings.segment, longest);
  const lengths = { segment, overlap: Math.min(settings.overlap, segment - 1) };
  const { embedding, hidden, epochs, patience, batch, learning_rate: learningRate } = settings;
  const shape = { tokens: vocabulary.size, embedding, hidden, segment };
  const source = SegmentSource.forTraining(differentSegments(vocabulary, training, lengths), lengths);
  const validation = SegmentSource.forValidation(differentSegments(vocabulary, heldOut, lengths), lengths);
  const { values: weights } = await trainNetwork(eventNetwork(shape), source, {
    epochs,
    patience,
    batch,
    learningRate,
    seed,
    validation,
    ...(signal !== undefined && { signal }),
    onProgress: ({ epoch, validationLoss = NaN }) =>
      onProgress?.('train', epoch / epochs, `epoch ${epoch}, loss ${validationLoss.toFixed(3)}`),
  });
  return { vocabulary, lengths, shape, weights };
}

/** Services that handle requests and send spans of it. */
function servicesOf(sequences: readonly WeightedSequence[]): Set<string> {
  const events = sequences.flatMap(({ sequence }) => sequence.events);
  return new Set(events.filter(({ traced }) => traced).map(({ representative }) => representative.destination));
}

async function calibrate(
  training: readonly WeightedSequence[],
  heldOut: readonly WeightedSequence[],
  knowledge: Knowledge,
  perStep: number,
): Promise<Record<string, ServiceModel>> {
  const whole = await judge(withMeanWeight(heldOut, 1), knowledge);
  const fleet = fleetShares(whole);
  // A cycle's share of the held-out traces stands for all of its traces.
  const wanted = Math.ceil(Math.min(perStep / HOLD_OUT_EVERY, heldOut.length / MIN_CYCLES));
  const size = Math.max(MIN_CYCLE_TRACES, wanted);
  const standsFor = Math.max(1, Math.min(HOLD_OUT_EVERY, perStep / size));
  const cycles: Evidence[] = [];
  for (let from = 0; from < heldOut.length; from += size) {
    cycles.push(await judge(withMeanWeight(heldOut.slice(from, from + size), standsFor), knowledge));
  }
  const learned = tracesByService(training);
  const models: Record<string, ServiceModel> = {};
  for (const service of knowledge.services) {
    const evidence = whole.get(service);
    const shares = Object.fromEntries(
      DEVIATION_KINDS.map((kind) => {
        const [count, of] = [evidence?.deviating[kind] ?? 0, evidence?.traces ?? 0];
        const share = (count + PRIOR_TRACES * fleet[kind]) / (of + PRIOR_TRACES);
        // What a few traces haven't shown may still be usual (Laplace's rule of succession).
        return [kind, Math.max(share, 1 / ((learned.get(service) ?? 0) + 2))];
      }),
    ) as ServiceModel['shares'];
    const errors = cycles.flatMap((cycle, step) => {
      const found = cycle.get(service);
      if (found === undefined) return [];
      const worst = Math.max(...Object.values(surpluses(found, shares, knowledge.settings)));
      return [{ step, error: Math.max(LEAST_SURPLUS, worst) }];
    });
    const threshold = Math.max(MIN_THRESHOLD, tailOfPairs(errors) || 0);
    models[service] = { shares, threshold, traces: evidence?.traces ?? 0 };
  }
  return models;
}

/** Number of traces in which each service handles a request. */
function tracesByService(sequences: readonly WeightedSequence[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { sequence } of sequences) {
    const services = new Set(sequence.events.map(({ representative }) => representative.destination));
    for (const service of services) counts.set(service, (counts.get(service) ?? 0) + 1);
  }
  return counts;
}

function fleetShares(evidence: Evidence): UsualShares {
  const all = [...evidence.values()];
  const traces = all.reduce((sum, of) => sum + of.traces, 0);
  return Object.fromEntries(
    DEVIATION_KINDS.map((kind) => {
      const share = all.reduce((sum, { deviating }) => sum + deviating[kind], 0) / Math.max(1, traces);
      return [kind, Math.min(0.5, Math.max(MIN_PRIOR_SHARE, share))];
    }),
  ) as UsualShares;
}

/** The sample's weights say how common a trace is, not that there are so many of it. */
function withMeanWeight(sequences: readonly WeightedSequence[], wanted: number): WeightedSequence[] {
  const mean = sequences.reduce((sum, { weight }) => sum + weight, 0) / sequences.length;
  return sequences.map(({ sequence, weight }) => ({ sequence, weight: (wanted * weight) / mean }));
}
