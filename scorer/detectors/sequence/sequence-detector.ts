import { z } from 'zod';
import type { Fleet } from '../../fleet/fleet.ts';
import type { History } from '../../fleet/history.ts';
import {
  type Detector,
  type DetectorInput,
  largestFeatureShares,
  type SubjectKind,
  type Verdict,
} from '../detector.ts';
import type { ColumnRange } from './range.ts';
import { isJudgeable, readSeries, type SequenceColumns, type SequenceOptions, type SequenceSeries } from './series.ts';
import { anomalyProbability, errorModelSchema } from './threshold.ts';
import { ToleranceQueue } from './tolerance.ts';

/** Windows of several columns in, their reconstruction out, all subjects in one run. */
export interface SequenceNetwork {
  /** @param data [count, window, columns] @returns the same shape */
  reconstruct(data: Float32Array, count: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Subjects of one kind, and the features of theirs that a detector reads. */
export interface SequenceSource extends SequenceColumns {
  readonly kind: SubjectKind;
}

export interface SequenceSettings extends SequenceOptions {
  /** Which part of a window's error counts: all its steps, as the papers have it, or the newest alone. */
  readonly error: 'window' | 'newest';
  /** Windows whose mean anomaly probability decides. */
  readonly tolerance: number;
  /** That mean, from which on an anomaly is reported. */
  readonly tolerance_threshold: number;
}

/** What is learned of one subject. */
export const subjectModelSchema = z.strictObject({
  ranges: z.array(z.strictObject({ min: z.number(), max: z.number() }).nullable()),
  errors: errorModelSchema,
  /** Windows learned from. */
  windows: z.int().nonnegative(),
});
export type SubjectModel = z.output<typeof subjectModelSchema>;

/** Subject models by kind and key. */
export type SubjectModels = Readonly<Partial<Record<SubjectKind, Readonly<Record<string, SubjectModel>>>>>;

/** The subjects of one kind in a fleet. */
export function subjectsOf(fleet: Fleet, kind: SubjectKind): ReadonlyMap<string, History> {
  return { service: fleet.services, edge: fleet.edges, pod: fleet.pods, endpoint: fleet.endpoints }[kind];
}

interface Window {
  readonly source: SequenceSource;
  readonly key: string;
  readonly model: SubjectModel;
  readonly series: SequenceSeries;
  /** Place of the window's last step in the series. */
  readonly at: number;
}

/**
 * Judges subjects by how badly a network reconstructs the recent sequence of their features: the error in units of the
 * subject's own threshold, tolerated by a queue. All subjects pass the network in one run.
 */
export class SequenceDetector implements Detector {
  readonly name: string;
  readonly reach: number;
  readonly #sources: readonly SequenceSource[];
  readonly #settings: SequenceSettings;
  readonly #network: SequenceNetwork;
  readonly #subjects: SubjectModels;
  readonly #queues = new Map<string, ToleranceQueue>();

  constructor(
    name: string,
    sources: readonly SequenceSource[],
    settings: SequenceSettings,
    network: SequenceNetwork,
    subjects: SubjectModels,
  ) {
    this.name = name;
    this.reach = settings.window + settings.smoothing + settings.tolerance - 2;
    this.#sources = sources;
    this.#settings = settings;
    this.#network = network;
    this.#subjects = subjects;
  }

  /** Scores each known subject that has enough values; after a gap the queues are filled from the past first. */
  async score({ fleet }: DetectorInput, step: number): Promise<readonly Verdict[]> {
    const windows = this.#sources.flatMap((source) => this.#windowsOf(fleet, source, step));
    const errors = await windowErrors(this.#network, windows, this.#settings);
    this.#forget(windows);
    const verdicts: Verdict[] = [];
    for (const [index, { source, key, model, series, at }] of windows.entries()) {
      const error = errors[index]!;
      const size = error.total / model.errors.threshold;
      const windowStep = series.from + at;
      const queue = this.#queue(source.kind, key);
      const { score, interval } = queue.take(windowStep, anomalyProbability(error.total, model.errors), size);
      if (windowStep !== step) continue;
      verdicts.push({
        kind: source.kind,
        key,
        score,
        interval,
        shares: largestFeatureShares(
          source.features.map((feature) => feature.name),
          error.byColumn,
        ),
      });
    }
    return verdicts;
  }

  async close(): Promise<void> {
    await this.#network.close();
  }

  /** The windows that a subject's queue hasn't taken yet, up to `step`; none where it isn't judged at `step`. */
  #windowsOf(fleet: Fleet, source: SequenceSource, step: number): Window[] {
    const { window, smoothing, tolerance } = this.#settings;
    const models = this.#subjects[source.kind] ?? {};
    return [...subjectsOf(fleet, source.kind)].flatMap(([key, history]) => {
      const model = models[key];
      if (model === undefined) return [];
      const ranges = model.ranges.map((range) => range ?? undefined);
      const taken = this.#taken(source.kind, key, step);
      const first = Math.max(taken + 1, step - tolerance + 1);
      const span = { from: first - window - smoothing + 2, to: step };
      const series = readSeries(history, source, ranges, span, this.#settings);
      const ends = Array.from({ length: step - first + 1 }, (_, index) => first - series.from + index);
      return ends
        .filter((at) => isJudgeable(series, at, window, ranges))
        .map((at) => ({ source, key, model, series, at }));
    });
  }

  /** The last step that a subject's queue has taken. After a clock that was set back the queue is filled again. */
  #taken(kind: SubjectKind, key: string, step: number): number {
    const taken = this.#queue(kind, key).newest ?? -Infinity;
    if (taken < step) return taken;
    this.#queues.delete(`${kind} ${key}`);
    return -Infinity;
  }

  #queue(kind: SubjectKind, key: string): ToleranceQueue {
    const id = `${kind} ${key}`;
    let queue = this.#queues.get(id);
    if (queue === undefined) {
      queue = new ToleranceQueue(this.#settings.tolerance, this.#settings.tolerance_threshold);
      this.#queues.set(id, queue);
    }
    return queue;
  }

  /** Subjects that are gone need no queue. */
  #forget(windows: readonly Window[]): void {
    const present = new Set(windows.map(({ source, key }) => `${source.kind} ${key}`));
    for (const id of this.#queues.keys()) if (!present.has(id)) this.#queues.delete(id);
  }
}

export interface WindowError {
  readonly total: number;
  /** Mean squared error of each column. */
  readonly byColumn: Float64Array;
}

/** Mean squared errors of windows, which the network takes in one run. */
export async function windowErrors(
  network: SequenceNetwork,
  windows: readonly { readonly series: SequenceSeries; readonly at: number }[],
  { window, error }: Pick<SequenceSettings, 'window' | 'error'>,
): Promise<WindowError[]> {
  const [first] = windows;
  if (first === undefined) return [];
  const columns = first.series.values.length / first.series.steps;
  const size = window * columns;
  const data = new Float32Array(windows.length * size);
  for (const [index, { series, at }] of windows.entries()) {
    data.set(series.values.subarray((at - window + 1) * columns, (at + 1) * columns), index * size);
  }
  const reconstruction = await network.reconstruct(data, windows.length);
  const from = error === 'newest' ? window - 1 : 0;
  return windows.map((_, index) => {
    const byColumn = new Float64Array(columns);
    for (let at = index * size + from * columns; at < (index + 1) * size; at++) {
      byColumn[at % columns]! += (data[at]! - reconstruction[at]!) ** 2 / (window - from);
    }
    return { total: byColumn.reduce((sum, value) => sum + value, 0) / columns, byColumn };
  });
}

/** The ranges as a file has them. */
export function storedRanges(ranges: readonly (ColumnRange | undefined)[]): SubjectModel['ranges'] {
  return ranges.map((range) => range ?? null);
}
