import type { FeatureSet } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { largestShares } from '../numeric/statistics.ts';
import type { Trace } from '../traces/span.ts';
import type { WeightedSequence } from './trace-sequence/prediction/vocabulary.ts';

/** What a detector can judge: a service, a call edge, one pod of a service, or one endpoint of a service. */
export const SUBJECT_KINDS = ['service', 'edge', 'pod', 'endpoint'] as const;
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/** A detector's share of the error that one feature carries. */
export interface FeatureShare {
  readonly feature: string;
  /** Of the whole error, 0..1. */
  readonly share: number;
}

/** Features named in an explanation. */
const MAX_SHARES = 3;

/** The largest shares of the error, largest first. @param errors one for each name; NaN where unknown */
export function largestFeatureShares(names: readonly string[], errors: ArrayLike<number>): FeatureShare[] {
  return largestShares(errors, MAX_SHARES).map(({ index, share }) => ({ feature: names[index]!, share }));
}

/** Names of features by kind of subject. */
export type FeatureNames = Partial<Readonly<Record<SubjectKind, readonly string[]>>>;

/** A detector's verdict on one subject at one step. */
export interface Verdict {
  readonly kind: SubjectKind;
  /** Key of the subject in its map of the fleet. */
  readonly key: string;
  /** 0 as expected, 1 at the threshold, above 1 anomalous. */
  readonly score: number;
  /** The largest shares of the error, largest first. */
  readonly shares: readonly FeatureShare[];
  /** First and last step of the anomaly that is reported; undefined while there is none. */
  readonly interval?: { readonly from: number; readonly to: number } | undefined;
}

/** Where a detector reads: the fleet's recent features, and what they are called. */
export interface DetectorInput {
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  /** The traces that were completed since the step before; undefined where none are received. */
  readonly traces?: readonly Trace[] | undefined;
}

/** A sample of the traces of the past. */
export interface TraceHistory {
  /** By time. */
  sequences(): WeightedSequence[];
  /** Traces of a step, on average. */
  readonly perStep: number;
}

/**
 * A detector as a cycle runs it. It has been learned before, and runs its network once a step for all its subjects.
 * A subject that it hasn't learned, or that has too few values at `step`, gets no verdict.
 */
export interface Detector {
  readonly name: string;
  /** Steps before the current one that `score` looks back on. */
  readonly reach: number;
  score(input: DetectorInput, step: number): Promise<readonly Verdict[]>;
  close(): Promise<void>;
}

/** A service's clean history of the kinds that a detector reads, group by group. */
export interface DetectorPast {
  readonly set: FeatureSet;
  /** First and last step of the history. */
  readonly from: number;
  readonly to: number;
  /** Minimum number of steps for which a subject must have existed. */
  readonly minSteps: number;
  /** Keys of the services, sorted. */
  readonly services: readonly string[];
  /** Undefined where no traces are received. */
  readonly traces?: TraceHistory | undefined;
  /** The history of these services, or of all, in groups. */
  groups(services?: readonly string[]): AsyncIterable<Fleet>;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((phase: 'train' | 'calibrate', share: number, detail: string) => void) | undefined;
}

/**
 * Everything that the scorer has to know of a detector. `learn` returns what it learned as the bytes of one file, which
 * `open` reads; a file that is damaged or doesn't fit the settings is refused by an error that says why.
 */
export interface DetectorDescriptor<Settings = never> {
  readonly name: string;
  /** One sentence for help and documents. */
  readonly summary: string;
  /** The features that it reads, by kind of subject; of services those of the shortest window. */
  reads(settings: Settings, set: FeatureSet): FeatureNames;
  /** Steps before the current one that it looks back on. */
  reach(settings: Settings): number;
  /** @throws NothingToLearnError */
  learn(past: DetectorPast, settings: Settings): Promise<Uint8Array>;
  open(learned: Uint8Array, settings: Settings, set: FeatureSet): Promise<Detector>;
}
