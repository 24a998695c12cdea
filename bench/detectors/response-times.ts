import { resolve } from 'node:path';
import { readTopology } from '../../microsim/topology/topology.ts';
import { gruVae } from '../../scorer/detectors/gru-vae/descriptor.ts';
import { detectorsSchema, type GruVaeSettings } from '../../scorer/detectors/settings.ts';
import { type FeatureSet, parseFeatures } from '../../scorer/features/features.ts';
import { Fleet } from '../../scorer/fleet/fleet.ts';
import { stepsBetween } from '../../scorer/fleet/steps.ts';
import { instanceName } from '../../scorer/identity/service-key.ts';
import { median } from '../../scorer/numeric/statistics.ts';
import { ROOT } from '../../scripts/demo/stack.ts';
import { affectedShares, endpointId, type Visit } from './affected.ts';
import {
  type FaultOutcome,
  type FaultTruth,
  faultTruth,
  judgeFaults,
  judgeNormal,
  type JudgedEndpoint,
  type NormalOutcome,
} from './judgement.ts';
import { pastOfFleet } from './past.ts';
import { type DetectorRecording, readRecordedFeatures, readRecording, recordingPaths } from './recording.ts';
import { percent, range, renderRows, type Table } from './results.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';
import { type LoggedSpan, meanResponseTimes, readSpans } from './spans-log.ts';

const PAPER = { smoothing: 12, error: 'window', threshold: 'gaussian', tolerance: 32 } as const;
/** Settings to compare, by name. */
const VARIANTS: Readonly<Record<string, Partial<GruVaeSettings>>> = {
  "paper's settings": PAPER,
  // A step without requests counts as normal, so that at 0.99 none of 32 may be missing.
  'same, reported from 0.9 on': { ...PAPER, tolerance_threshold: 0.9 },
  'same, tolerance 1': { ...PAPER, tolerance: 1 },
  defaults: {},
  'defaults, log': { values: 'log' },
  '99.7th percentile': { threshold: 'percentile', confidence: 0.997 },
};
const TOPOLOGY = 'microsim/topologies/web-shop.yaml';
const HOUR_MS = 3_600_000;

export interface ResponseTimesOptions {
  /** Number of training seeds. */
  readonly seeds: number;
  /** Length of a step. */
  readonly intervalsMs: readonly number[];
  readonly say: (line: string) => void;
}

interface Outcome {
  readonly endpoints: number;
  readonly faults: readonly FaultOutcome[];
  readonly normal: NormalOutcome;
  /** All time that no fault touches, with that of normal operation. */
  readonly untouched: NormalOutcome;
}

/** The five scenarios: a table for each length of a step. */
export async function responseTimes(folder: string, options: ResponseTimesOptions): Promise<Table[]> {
  const recording = readRecording(folder);
  const set = parseFeatures('features.yaml', readRecordedFeatures(folder));
  const spans = readSpans(recordingPaths(folder).spans);
  const { requests: visits } = readTopology(resolve(ROOT, TOPOLOGY));
  const tables: Table[] = [];
  for (const intervalMs of options.intervalsMs) {
    const history = historyOf(set, visits, spans, recording, intervalMs);
    const outcomes = new Map<string, Outcome[]>();
    for (const [name, variant] of Object.entries(VARIANTS)) {
      const settings = settingsOf(variant);
      const runs: Outcome[] = [];
      for (let seed = 1; seed <= options.seeds; seed++) {
        options.say(`response times, ${intervalMs} ms a step: ${name}, seed ${seed}`);
        runs.push(await evaluate(history, settings, seed));
      }
      outcomes.set(name, runs);
    }
    tables.push(render(recording, intervalMs, outcomes));
  }
  return tables;
}

function settingsOf(variant: Partial<GruVaeSettings>): GruVaeSettings {
  const { gru_vae: settings } = detectorsSchema.parse({
    gru_vae: { subjects: { endpoint: 'request_latency' }, ...variant },
  });
  if (settings === undefined) throw new Error('gru_vae has no settings');
  return settings;
}

interface RecordedHistory {
  readonly set: FeatureSet;
  readonly fleet: Fleet;
  readonly truths: readonly FaultTruth[];
  readonly training: { readonly from: number; readonly to: number };
  readonly normal: { readonly from: number; readonly to: number };
  readonly all: { readonly from: number; readonly to: number };
}

function historyOf(
  set: FeatureSet,
  visits: readonly Visit[],
  spans: readonly LoggedSpan[],
  recording: DetectorRecording,
  intervalMs: number,
): RecordedHistory {
  const { fromMs, normalFromMs, faultsFromMs, toMs, recoveryMs } = recording;
  const between = (from: number, to: number) => ({
    from: Math.ceil(from / intervalMs) + 1,
    to: Math.floor(to / intervalMs),
  });
  const all = between(fromMs, toMs);
  const fleet = new Fleet(set, intervalMs, all.to - all.from + 1);
  for (const [id, means] of meanResponseTimes(spans, intervalMs)) {
    const [service = '', endpoint = ''] = id.split(' ');
    const steps = [...means.keys()].filter((step) => step >= all.from && step <= all.to);
    fleet.addEndpoint({
      labels: { namespace: 'shop', service, endpoint, feature: 'request_latency' },
      timestamps: Float64Array.from(steps, (step) => step * intervalMs),
      values: Float64Array.from(steps, (step) => means.get(step) ?? NaN),
    });
  }
  return {
    set,
    fleet,
    truths: recording.faults.map((fault) => faultTruth(fault, affectedShares(visits, fault), intervalMs, recoveryMs)),
    training: between(fromMs, normalFromMs),
    normal: between(normalFromMs, faultsFromMs),
    all,
  };
}

async function evaluate(history: RecordedHistory, settings: GruVaeSettings, seed: number): Promise<Outcome> {
  const { set, fleet, truths, training, normal, all } = history;
  const past = pastOfFleet(set, fleet, { ...training, minSteps: settings.window, seed });
  const detector = await gruVae.open(await gruVae.learn(past, settings), settings, set);
  const found = new Map<string, { steps: number[]; atOnce: Set<number>; reported: Set<number> }>();
  try {
    for (const step of stepsBetween(normal.from, all.to)) {
      for (const { key, score, interval } of await detector.score({ set, fleet }, step)) {
        let of = found.get(key);
        if (of === undefined) found.set(key, (of = { steps: [], atOnce: new Set(), reported: new Set() }));
        of.steps.push(step);
        if (score > 1) of.atOnce.add(step);
        if (interval === undefined) continue;
        for (const reported of stepsBetween(interval.from, interval.to)) of.reported.add(reported);
      }
    }
  } finally {
    await detector.close();
  }
  const judged: JudgedEndpoint[] = [...found].map(([key, of]) => {
    const { service, instance } = instanceName(key);
    return { endpoint: endpointId(service, instance), ...of };
  });
  return {
    endpoints: judged.length,
    faults: judgeFaults(judged, truths),
    normal: judgeNormal(judged, truths, normal),
    untouched: judgeNormal(judged, truths, { from: normal.from, to: all.to }),
  };
}

function render(recording: DetectorRecording, intervalMs: number, outcomes: ReadonlyMap<string, Outcome[]>): Table {
  const names = [...outcomes.keys()];
  const of = (name: string) => outcomes.get(name) ?? [];
  const rows = Object.entries(SCENARIOS).map(([scenario, paper]) => [
    `${scenario}: anomalous events found`,
    `${paper} %`,
    ...names.map((name) =>
      range(
        of(name).map((run) => eventShare(run, scenario as Scenario)),
        percent,
      ),
    ),
  ]);
  rows.push([
    'normal operation: events found normal',
    '> 99 %',
    ...names.map((name) =>
      range(
        of(name).map(({ normal }) => 1 - normal.reported / normal.events),
        percent,
      ),
    ),
  ]);
  const alarmed = (scenario: Scenario) => [
    `${scenario}: faults with an alarm`,
    '',
    ...names.map((name) => {
      const counts = of(name).map((run) => ofScenario(run, scenario).filter((fault) => fault.alarmed).length);
      return `${range(counts, String)} of ${ofScenario(of(name)[0], scenario).length}`;
    }),
  ];
  rows.push(...(Object.keys(SCENARIOS) as Scenario[]).map(alarmed));
  rows.push([
    'false alarms an endpoint-hour',
    '',
    ...names.map((name) =>
      range(
        of(name).map(({ untouched: { alarms, events } }) => alarms / ((events * intervalMs) / HOUR_MS)),
        (value) => value.toFixed(1),
      ),
    ),
  ]);
  const endpoints = median(names.flatMap((name) => of(name).map((run) => run.endpoints)));
  const trained = ((recording.normalFromMs - recording.fromMs) / 60_000).toFixed(1);
  const tested = ((recording.faultsFromMs - recording.normalFromMs) / 60_000).toFixed(1);
  const seconds = intervalMs / 1000;
  return {
    name: `response times, ${seconds} s`,
    markdown:
      `Five scenarios of faults, ${endpoints} endpoints of the simulated shop, response times in steps of ${seconds} s: ` +
      `trained on ${trained} minutes, normal operation tested for ${tested} minutes, ${recording.faults.length} faults ` +
      `with durations scaled by ${recording.scale}. Range over ${of(names[0] ?? '').length} training seeds.\n\n` +
      renderRows(['', 'paper', ...names], rows),
  };
}

function ofScenario(run: Outcome | undefined, scenario: Scenario): FaultOutcome[] {
  return (run?.faults ?? []).filter(({ truth }) => truth.fault.scenario === scenario);
}

function eventShare(run: Outcome, scenario: Scenario): number {
  const faults = ofScenario(run, scenario);
  const sum = (count: (fault: FaultOutcome) => number) => faults.reduce((total, fault) => total + count(fault), 0);
  return sum(({ reported }) => reported) / sum(({ events }) => events);
}
