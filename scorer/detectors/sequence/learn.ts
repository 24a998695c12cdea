import type { Fleet } from '../../fleet/fleet.ts';
import { evenly } from '../../numeric/evenly.ts';
import { median } from '../../numeric/statistics.ts';
import type { DetectorPast, SubjectKind } from '../detector.ts';
import { NothingToLearnError } from '../error.ts';
import { type ColumnRange, learnRange, withoutOutliers } from './range.ts';
import {
  type SequenceNetwork,
  type SequenceSettings,
  type SequenceSource,
  storedRanges,
  type SubjectModel,
  subjectsOf,
  windowErrors,
} from './sequence-detector.ts';
import { columnValues, isJudgeable, readSeries, type SequenceSeries } from './series.ts';
import { fitErrors, type ThresholdOptions } from './threshold.ts';

/** Services whose history a network is trained on; they are in memory at once. */
const MAX_SAMPLE = 200;
/** Windows of an epoch, evenly chosen where there are more: they overlap, and more of them add time and no knowledge. */
const MAX_TRAINING_WINDOWS = 20_000;
/** Windows that one subject's threshold rests on. */
const MAX_CALIBRATION_WINDOWS = 1000;
/** A subject with fewer fault-free windows gets the fleet's median threshold if that is larger. */
const MIN_CALIBRATION_WINDOWS = 100;

export interface SequenceLearning extends SequenceSettings, Omit<ThresholdOptions, 'method'> {
  readonly threshold: ThresholdOptions['method'];
  readonly validation_share: number;
}

/** Windows to train on, in order of time, each a place in a series. */
export interface TrainingSequences {
  readonly windows: readonly { readonly series: SequenceSeries; readonly at: number }[];
  readonly window: number;
  readonly columns: number;
}

export interface LearnedSequences<N> {
  readonly network: N;
  readonly subjects: Partial<Record<SubjectKind, Record<string, SubjectModel>>>;
}

/**
 * Trains a network on the clean windows of a sample of services and calibrates each subject by the errors of the windows that
 * training didn't see.
 *
 * @param train makes a network of the windows
 * @throws NothingToLearnError
 */
export async function learnSequences<N extends SequenceNetwork>(
  past: DetectorPast,
  sources: readonly SequenceSource[],
  settings: SequenceLearning,
  train: (sequences: TrainingSequences) => Promise<N>,
): Promise<LearnedSequences<N>> {
  const sample = await trainingSequences(past, sources, settings);
  if (sample.windows.length === 0) throw new NothingToLearnError('no subject has enough history to learn from');
  const network = await train(sample);
  const subjects: LearnedSequences<N>['subjects'] = {};
  for await (const fleet of past.groups()) {
    for (const source of sources) {
      const learned = (subjects[source.kind] ??= {});
      for (const [key, model] of await calibrateSubjects(past, fleet, source, settings, network)) learned[key] = model;
      const of = Object.keys(learned).length;
      past.onProgress?.('calibrate', of / Math.max(of, past.services.length), `${of} of kind ${source.kind}`);
    }
  }
  for (const of of Object.values(subjects)) raiseYoung(of);
  return { network, subjects };
}

interface LearnableSubject {
  readonly key: string;
  readonly ranges: readonly (ColumnRange | undefined)[];
  readonly series: SequenceSeries;
}

/** The subjects of a fleet that have been there for long enough, with their series. */
function* learnable(
  past: DetectorPast,
  fleet: Fleet,
  source: SequenceSource,
  settings: SequenceLearning,
  clean: boolean,
): Generator<LearnableSubject> {
  for (const [key, history] of subjectsOf(fleet, source.kind)) {
    const from = Math.max(past.from, history.oldest);
    const to = Math.min(past.to, history.newest ?? past.from - 1);
    if (to - from + 1 < Math.max(past.minSteps, settings.window)) continue;
    const ranges = source.columns.map((column, place) => {
      const feature = source.features[place]!;
      return learnRange(
        { floor: settings.values === 'log' && feature.scale === 'log' ? 0 : feature.floor },
        withoutOutliers(columnValues(history, column, feature, { from, to }, settings.values)),
      );
    });
    yield { key, ranges, series: readSeries(history, source, ranges, { from, to }, settings, clean) };
  }
}

async function trainingSequences(
  past: DetectorPast,
  sources: readonly SequenceSource[],
  settings: SequenceLearning,
): Promise<TrainingSequences> {
  const windows: { series: SequenceSeries; at: number }[] = [];
  for await (const fleet of past.groups(evenly(past.services, MAX_SAMPLE))) {
    for (const source of sources) {
      for (const { ranges, series } of learnable(past, fleet, source, settings, true)) {
        for (let at = settings.window - 1; at < series.steps; at++) {
          if (isJudgeable(series, at, settings.window, ranges)) windows.push({ series, at });
        }
      }
    }
  }
  const chosen = evenly(windows, MAX_TRAINING_WINDOWS);
  // The last ones validate, so all subjects have to be among them.
  chosen.sort((a, b) => a.series.from + a.at - (b.series.from + b.at));
  return { windows: chosen, window: settings.window, columns: sources[0]?.columns.length ?? 0 };
}

async function calibrateSubjects(
  past: DetectorPast,
  fleet: Fleet,
  source: SequenceSource,
  settings: SequenceLearning,
  network: SequenceNetwork,
): Promise<[string, SubjectModel][]> {
  const found: [string, SubjectModel][] = [];
  const { threshold: method, confidence } = settings;
  // The Gaussian is of clean windows, as the paper has it; what counts as usual besides is all that fault-free time holds.
  for (const { key, ranges, series } of learnable(past, fleet, source, settings, method === 'gaussian')) {
    past.signal?.throwIfAborted();
    const windows: { series: SequenceSeries; at: number }[] = [];
    for (let at = settings.window - 1; at < series.steps; at++) {
      if (isJudgeable(series, at, settings.window, ranges)) windows.push({ series, at });
    }
    const heldOut = windows.slice(Math.floor(windows.length * (1 - settings.validation_share)));
    const judged = evenly(method === 'gaussian' ? heldOut : windows, MAX_CALIBRATION_WINDOWS);
    const errors = (await windowErrors(network, judged, settings)).map(({ total }) => total);
    const model = fitErrors(errors, { method, confidence });
    if (model === undefined) continue;
    found.push([key, { ranges: storedRanges(ranges), errors: model, windows: judged.length }]);
  }
  return found;
}

/** Gives subjects with little history at least the median threshold of the others. */
function raiseYoung(subjects: Record<string, SubjectModel>): void {
  const grown = Object.values(subjects).filter(({ windows }) => windows >= MIN_CALIBRATION_WINDOWS);
  if (grown.length === 0) return;
  const usual = median(grown.map(({ errors }) => errors.threshold));
  for (const [key, model] of Object.entries(subjects)) {
    if (model.windows >= MIN_CALIBRATION_WINDOWS || model.errors.threshold >= usual) continue;
    subjects[key] = { ...model, errors: { threshold: usual } };
  }
}
