import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configuredDetectors } from '../detectors/all.ts';
import type { Detector } from '../detectors/detector.ts';
import type { Reconstructor } from '../detectors/reconstructor.ts';
import type { ScorerConfig } from '../config.ts';
import { EDGE_SERIES, ENDPOINT_SERIES, type FeatureSet, POD_SERIES, SERVICE_SERIES } from '../features/features.ts';
import type { Fleet } from '../fleet/fleet.ts';
import {
  fetchFleet,
  fetchSelected,
  type PastSelectors,
  type PastSource,
  type PastSpan,
  type TimeSpan,
} from '../fleet/past.ts';
import { openKnowledge } from '../learning/knowledge.ts';
import { type ServicePast, servicePasts } from '../learning/history/clean.ts';
import { NothingToLearnError } from '../detectors/error.ts';
import { learn } from '../learning/learn.ts';
import { learnDetectors } from '../learning/detectors/learn-detectors.ts';
import type { OnProgress } from '../learning/progress.ts';
import { modelPaths } from '../paths.ts';
import type { TrainingChoices } from '../learning/train-model.ts';
import type { FleetModel } from '../learning/store/model-store.ts';
import type { Profiles } from '../scoring/profiles/profiles-file.ts';
import type { PrometheusClient } from '../prometheus/client.ts';
import { selectorOf } from '../prometheus/selector.ts';
import { createExperience } from '../scoring/experience/experience.ts';
import { shapeOf, type TensorShape } from '../tensor/tensor.ts';
import { fetchAnnouncements } from '../announced/history.ts';
import { type Alarms, alarmsOf } from './alarms.ts';
import { faultSpans, type FaultSpan } from './detection.ts';
import { type AlertTiming, type Debounce, debounceOf, readAlertTiming } from './alerts.ts';
import { type Evaluation, evaluate, graceMs } from './figures.ts';
import type { Fault } from './labels.ts';
import { type Replay, type ReplayOptions, replayFleet } from './replay.ts';
import { replayDetector } from './replay-detector.ts';

export interface BacktestOptions {
  /** The configuration of `run`. Nothing is written to its state directory. */
  readonly config: ScorerConfig;
  readonly set: FeatureSet;
  readonly client: PrometheusClient;
  /** The history to replay. */
  readonly window: TimeSpan;
  /** The history to learn from, in or before the window. Faults in it are excluded, and replayed. */
  readonly training: TimeSpan;
  readonly faults: readonly Fault[];
  /** When the alert fires. Default: that of the shipped rules. */
  readonly alertTiming?: AlertTiming;
  /** Called for each kind of series that can't be used. */
  readonly onRejected?: PastSource['onRejected'];
  readonly seed?: number;
  readonly epochs?: number;
  /** Network of the model. Default: that of `train`. */
  readonly network?: TrainingChoices['network'];
  readonly onProgress?: (phase: string, share: number, detail: string) => void;
  /** Ends the backtest soon after it aborts. */
  readonly signal?: AbortSignal | undefined;
}

/** A model with its profiles, and the history to replay with it. */
export interface BacktestSession {
  readonly shape: TensorShape;
  readonly faults: readonly FaultSpan[];
  readonly model: FleetModel;
  readonly profiles: Profiles;
  /** The history to replay. */
  readonly fleet: Fleet;
  /** The history that was learned from. */
  readonly pasts: readonly ServicePast[];
  readonly replayed: ReplayOptions;
  /** Replays with a model and its profiles; `phase` is the name in progress reports. */
  replay(phase: string, profiles: Profiles, model: Reconstructor, options?: Partial<ReplayOptions>): Promise<Replay>;
  judge(replay: Replay, debounce?: Debounce): Evaluation;
  /** The alarms outside of faults and maintenance. */
  alarms(replay: Replay): Alarms;
  /** The configured detectors beside the autoencoder that could learn. */
  readonly detectors: readonly Detector[];
  replayDetector(detector: Detector): Promise<Replay>;
  close(): Promise<void>;
}

/**
 * Learns from the training span like `train`, without the faults, in a temporary state directory. Then fetches the
 * history to replay: every step of the window that wasn't learned from.
 *
 * @throws NothingToLearnError, PrometheusError; the signal's reason if it aborts
 */
export async function openSession(options: BacktestOptions): Promise<BacktestSession> {
  const directory = mkdtempSync(join(tmpdir(), 'lorikeet-backtest-'));
  try {
    return await openIn({ ...options, config: { ...options.config, state_dir: directory } });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** When the alert fires, the spans of the faults, and the history to learn from without them. */
function spansOf({ config: { interval }, set, training, ...options }: BacktestOptions) {
  const shipped = debounceOf(options.alertTiming ?? readAlertTiming(), interval);
  const faults = faultSpans(options.faults, interval, graceMs(set.windows.at(-1) ?? 0, interval, shipped));
  const exclude = faults.map(({ startMs, last }) => ({ fromMs: startMs - interval, toMs: last * interval }));
  return { shipped, faults, learning: { ...training, exclude } };
}

async function openIn(options: BacktestOptions): Promise<BacktestSession> {
  const { config, set, window, training, seed = 1, onProgress, signal } = options;
  const { shipped, faults, learning } = spansOf(options);
  const source = sourceOf(options);
  const report: OnProgress = ({ phase, share, detail }) => onProgress?.(phase, share, detail);
  await learn(source, learning, 'all', choicesOf(options), report);
  const { model, profiles } = await openKnowledge(config, set);
  if (model === undefined || profiles === undefined)
    throw new NothingToLearnError('the learned profiles do not fit the configuration');
  const detectors = await learnAndOpen(options, learning, seed);
  const close = async () => {
    await model.autoencoder.close();
    for (const detector of detectors) await detector.close();
  };
  try {
    const shape = shapeOf(set, config.steps);
    const reach = Math.max(config.steps.at(-1) ?? 0, ...detectors.map((detector) => detector.reach));
    const fleet = await fetchSelected(source, before(window, reach * config.interval), everything(config));
    const { maintenance, expected } = await fetchAnnouncements(source, window);
    const silenced = (key: string) => [...maintenance.stepsOf(key), ...expected.stepsOf(key)];
    const replayed: ReplayOptions = {
      signal,
      steps: stepsToReplay(window, training, faults, config.interval),
      experience: () => createExperience(set, config),
      expectedSteps: (key) => expected.stepsOf(key),
      wantRanking: (step) => faults.some(({ first, last }) => step >= first && step <= last),
    };
    return {
      shape,
      faults,
      model,
      profiles,
      fleet,
      pasts: servicePasts(await fetchFleet(source, learning), config, training.toMs),
      replayed,
      replay: async (phase, of, by, others = {}) =>
        await replayFleet(shape, set, fleet, of, by, {
          ...replayed,
          ...others,
          onProgress: (share) => onProgress?.(phase, share, `${replayed.steps.length} steps`),
        }),
      detectors,
      replayDetector: async (detector) =>
        await replayDetector(shape, set, fleet, profiles, detector, {
          ...replayed,
          onProgress: (share) => onProgress?.(detector.name, share, `${replayed.steps.length} steps`),
        }),
      alarms: (replay) => alarmsOf(replay, { faults, intervalMs: config.interval, debounce: shipped, silenced }),
      judge: (replay, debounce = shipped) => evaluate(replay, faults, config.interval, debounce),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The window, extended by the history that its first steps refer to. */
function before(window: TimeSpan, reachMs: number): TimeSpan {
  return { fromMs: window.fromMs - reachMs, toMs: window.toMs };
}

/** Selectors of all features that are needed. */
function everything({ detectors, prometheus }: ScorerConfig): PastSelectors {
  const all = (series: string) => selectorOf(series, prometheus.matchers);
  const others = configuredDetectors(detectors).length > 0;
  return {
    services: [all(SERVICE_SERIES)],
    edges: [all(EDGE_SERIES)],
    ...(others && { pods: [all(POD_SERIES)], endpoints: [all(ENDPOINT_SERIES)] }),
  };
}

function sourceOf({ config, set, client, signal, onRejected }: BacktestOptions) {
  const optional = { ...(signal !== undefined && { signal }), ...(onRejected !== undefined && { onRejected }) };
  return { config, set, client, ...optional };
}

function choicesOf({ seed = 1, epochs, network }: BacktestOptions): TrainingChoices {
  return { seed, ...(epochs !== undefined && { epochs }), ...(network !== undefined && { network }) };
}

async function learnAndOpen(options: BacktestOptions, learning: PastSpan, seed: number): Promise<Detector[]> {
  const { config, set, onProgress } = options;
  const report: OnProgress = ({ phase, share, detail }) => onProgress?.(phase, share, detail);
  const outcomes = await learnDetectors(sourceOf(options), learning, { all: true, seed }, report);
  const opened: Detector[] = [];
  for (const { descriptor, settings } of configuredDetectors(config.detectors)) {
    const reason = outcomes.find(({ detector }) => detector === descriptor.name)?.reason;
    if (reason !== undefined) {
      onProgress?.(descriptor.name, 1, reason);
      continue;
    }
    const bytes = readFileSync(modelPaths(config).detector(descriptor.name));
    opened.push(await descriptor.open(bytes, settings, set));
  }
  return opened;
}

/** The steps of the window that weren't learned from. */
function stepsToReplay(
  window: TimeSpan,
  training: TimeSpan,
  faults: readonly FaultSpan[],
  intervalMs: number,
): number[] {
  const first = Math.ceil(window.fromMs / intervalMs);
  const count = Math.max(0, Math.floor(window.toMs / intervalMs) - first + 1);
  const learnedFrom = (step: number) =>
    step * intervalMs >= training.fromMs &&
    step * intervalMs <= training.toMs &&
    !faults.some((fault) => step >= fault.first - 1 && step <= fault.last);
  return Array.from({ length: count }, (_, index) => first + index).filter((step) => !learnedFrom(step));
}
