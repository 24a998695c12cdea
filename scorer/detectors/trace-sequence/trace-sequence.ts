import { evenly } from '../../numeric/evenly.ts';
import { OperationNames } from '../../traces/operation.ts';
import type { Trace } from '../../traces/span.ts';
import {
  type Detector,
  type DetectorInput,
  type FeatureShare,
  largestFeatureShares,
  type Verdict,
} from '../detector.ts';
import type { EventSpan } from './events/call-tree.ts';
import { DEVIATION_KINDS, type DeviationKind } from './deviations/deviations.ts';
import { EventReader } from './events/events.ts';
import type { Evidence, ServiceEvidence } from './deviations/evidence.ts';
import { judge, type Knowledge, surpluses } from './judge.ts';
import { type ServiceModel, type TraceSequenceModel, weightsOf } from './model.ts';
import { Predictor } from './prediction/predictor.ts';
import type { TraceSequenceSettings } from './settings.ts';
import { Vocabulary, type WeightedSequence } from './prediction/vocabulary.ts';

/** An unexpected event of a service, for its series. */
export interface UnexpectedEventRow {
  /** Key of the service that deviates. */
  readonly service: string;
  readonly kind: DeviationKind;
  readonly event: string;
  readonly expected: string;
  /** Of the service's requests, 0..1. */
  readonly share: number;
}

/** Kinds named in a verdict, and unexpected events of one service. */
const EXPLAINED = 3;
/** Characters of a label. */
const MAX_LABEL = 160;

/**
 * Judges services by the traces of a cycle (collective anomalies of Kohyarnejadfard, Aloise and Dagenais): an event outside of
 * the few that the network expects next is unexpected, and a service with more of them than in fault-free time is anomalous.
 */
export class TraceSequence implements Detector {
  readonly name = 'trace_sequence';
  readonly reach = 0;
  readonly #reader: EventReader;
  readonly #knowledge: Knowledge;
  readonly #models: ReadonlyMap<string, ServiceModel>;
  #last: { readonly step: number; readonly evidence: Evidence } | undefined;
  #unread = { incomplete: 0, surplus: 0 };

  private constructor(knowledge: Knowledge, models: ReadonlyMap<string, ServiceModel>) {
    const { order, patterns } = knowledge.settings;
    this.#reader = new EventReader(order, new OperationNames(patterns));
    this.#knowledge = knowledge;
    this.#models = models;
  }

  static async open(model: TraceSequenceModel, settings: TraceSequenceSettings): Promise<TraceSequence> {
    const { shape, overlap, structure, durations } = model;
    const vocabulary = new Vocabulary(model.vocabulary, model.overflowed);
    const lengths = { segment: shape.segment, overlap };
    const predictor = await Predictor.open(vocabulary, shape, lengths, weightsOf(model), settings.candidates);
    const models = new Map(Object.entries(model.services));
    const services = new Set(models.keys());
    return new TraceSequence({ predictor, structure, durations, settings, services }, models);
  }

  /** Traces of all cycles so far that weren't judged: incomplete ones, and those beyond the maximum of a cycle. */
  get unread(): { readonly incomplete: number; readonly surplus: number } {
    return this.#unread;
  }

  /** A service without a request in the cycle's traces gets no verdict. */
  async score({ traces = [] }: DetectorInput, step: number): Promise<readonly Verdict[]> {
    const evidence = await judge(this.#read(traces), this.#knowledge);
    this.#last = { step, evidence };
    return [...evidence].flatMap(([key, found]) => {
      const model = this.#models.get(key);
      return model === undefined || !(found.traces > 0) ? [] : [this.#verdict(key, found, model)];
    });
  }

  /**
   * The unexpected events of each service in the step that was scored last, of the kinds that it has more of than usual, at
   * most three a service.
   */
  explain(step: number): UnexpectedEventRow[] {
    if (this.#last?.step !== step) return [];
    return [...this.#last.evidence].flatMap(([service, found]) => {
      const model = this.#models.get(service);
      if (model === undefined) return [];
      const errors = surpluses(found, model.shares, this.#knowledge.settings);
      return [...found.events.values()]
        .filter(({ kind }) => errors[kind] > 0)
        .sort((a, b) => b.traces - a.traces)
        .slice(0, EXPLAINED)
        .map(({ kind, event, expected, traces }) => ({
          service,
          kind,
          event: event.slice(0, MAX_LABEL),
          expected: expected.slice(0, MAX_LABEL),
          share: Math.min(1, traces / found.traces),
        }));
    });
  }

  close(): Promise<void> {
    return this.#knowledge.predictor.close();
  }

  #read(traces: readonly Trace<EventSpan>[]): WeightedSequence[] {
    const chosen = evenly(traces, this.#knowledge.settings.max_traces);
    const sequences = chosen.flatMap((trace) => this.#reader.read(trace) ?? []);
    this.#unread.surplus += traces.length - chosen.length;
    this.#unread.incomplete += chosen.length - sequences.length;
    return sequences.map((sequence) => ({ sequence, weight: 1 }));
  }

  #verdict(key: string, found: ServiceEvidence, { shares, threshold }: ServiceModel): Verdict {
    const errors = surpluses(found, shares, this.#knowledge.settings);
    return { kind: 'service', key, score: Math.max(...Object.values(errors)) / threshold, shares: sharesOf(errors) };
  }
}

function sharesOf(errors: Readonly<Record<DeviationKind, number>>): FeatureShare[] {
  const values = DEVIATION_KINDS.map((kind) => errors[kind]);
  return largestFeatureShares(DEVIATION_KINDS, values).filter(({ share }) => share > 0);
}
