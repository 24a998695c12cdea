import type { RecordedFault } from './recording.ts';

/** Steps at which an endpoint was found anomalous. */
export interface Findings {
  /** At the step itself, as an alert sees it. */
  readonly atOnce: ReadonlySet<number>;
  /** Within an interval that was reported then or later, as the paper counts. */
  readonly reported: ReadonlySet<number>;
}

/** An endpoint that the detector judges. */
export interface JudgedEndpoint extends Findings {
  readonly endpoint: string;
  /** Steps with a verdict, ascending. */
  readonly steps: readonly number[];
}

/** A fault, in steps, with the share of each endpoint's requests that wait for it. */
export interface FaultTruth {
  readonly fault: RecordedFault;
  /** First and last step that are in the fault completely. */
  readonly from: number;
  readonly to: number;
  /** Last step that may still show it. */
  readonly recovered: number;
  readonly shares: ReadonlyMap<string, number>;
}

/** An endpoint is affected if at least this share of its requests is. */
const AFFECTED_SHARE = 0.5;
/** Steps in a row that make an alarm. */
const ALARM_STEPS = 2;

export function faultTruth(
  fault: RecordedFault,
  shares: ReadonlyMap<string, number>,
  intervalMs: number,
  recoveryMs: number,
): FaultTruth {
  return {
    fault,
    from: Math.ceil(fault.fromMs / intervalMs) + 1,
    to: Math.floor((fault.fromMs + fault.durationMs) / intervalMs),
    recovered: Math.ceil((fault.toMs + recoveryMs) / intervalMs),
    shares,
  };
}

/** What a detector did during one fault. */
export interface FaultOutcome {
  readonly truth: FaultTruth;
  /** Anomalous events: a step and an affected endpoint. Those found at once, and those in a reported interval. */
  readonly events: number;
  readonly atOnce: number;
  readonly reported: number;
  /** An affected endpoint had an alarm during the fault. */
  readonly alarmed: boolean;
}

export interface NormalOutcome {
  /** Steps and endpoints that no fault touches. */
  readonly events: number;
  readonly atOnce: number;
  readonly reported: number;
  readonly alarms: number;
}

/** Compares what was found with the faults. */
export function judgeFaults(endpoints: readonly JudgedEndpoint[], truths: readonly FaultTruth[]): FaultOutcome[] {
  return truths.map((truth) => {
    let [events, atOnce, reported, alarmed] = [0, 0, 0, false];
    for (const judged of endpoints) {
      if ((truth.shares.get(judged.endpoint) ?? 0) < AFFECTED_SHARE) continue;
      const during = judged.steps.filter((step) => step >= truth.from && step <= truth.to);
      events += during.length;
      atOnce += during.filter((step) => judged.atOnce.has(step)).length;
      reported += during.filter((step) => judged.reported.has(step)).length;
      alarmed ||= countAlarms(during, judged.atOnce) > 0;
    }
    return { truth, events, atOnce, reported, alarmed };
  });
}

/** Counts false findings: in the steps from `from` to `to` that no fault touches. */
export function judgeNormal(
  endpoints: readonly JudgedEndpoint[],
  truths: readonly FaultTruth[],
  { from, to }: { readonly from: number; readonly to: number },
): NormalOutcome {
  let [events, atOnce, reported, alarms] = [0, 0, 0, 0];
  for (const judged of endpoints) {
    const touched = truths.filter(({ shares }) => (shares.get(judged.endpoint) ?? 0) > 0);
    const quiet = judged.steps.filter(
      (step) => step >= from && step <= to && touched.every((truth) => step < truth.from - 1 || step > truth.recovered),
    );
    events += quiet.length;
    atOnce += quiet.filter((step) => judged.atOnce.has(step)).length;
    reported += quiet.filter((step) => judged.reported.has(step)).length;
    alarms += countAlarms(quiet, judged.atOnce);
  }
  return { events, atOnce, reported, alarms };
}

/** Runs of at least two of these steps that were found. */
function countAlarms(steps: readonly number[], found: ReadonlySet<number>): number {
  let [alarms, run] = [0, 0];
  for (const step of steps) {
    run = found.has(step) ? run + 1 : 0;
    if (run === ALARM_STEPS) alarms++;
  }
  return alarms;
}
