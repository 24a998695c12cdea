import { writeAtomically } from '../../daemon/files/atomic-write.ts';
import { formatDuration } from '../../daemon/config-file.ts';
import type { SimClient } from '../controller/client.ts';
import { describeFaultArgs } from '../protocol/fault.ts';
import type { PlannedFault } from './fault-schedule.ts';

/** One entry of a labels file, which backtests read; times are RFC 3339. */
export interface FaultLabel {
  readonly start: string;
  readonly end?: string;
  readonly namespace: string;
  readonly service: string;
  readonly type: string;
}

export interface RecordingOptions {
  readonly sim: SimClient;
  readonly namespace: string;
  readonly plan: readonly PlannedFault[];
  /** Milliseconds. */
  readonly duration: number;
  readonly labelsFile: string;
  /** Ends the recording early; the active fault is cleared and labelled. */
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/**
 * Runs the plan against a simulation in real time. The labels file is always complete: a fault without an
 * end is still active.
 */
export async function record(options: RecordingOptions): Promise<readonly FaultLabel[]> {
  const { sim, namespace, plan, duration, labelsFile, signal, progress } = options;
  const began = performance.now();
  const until = (at: number) => pause(began + at - performance.now(), signal);
  const say = (text: string) =>
    progress(`${formatDuration(Math.round((performance.now() - began) / 1000) * 1000)} ${text}`);
  const labels: FaultLabel[] = [];
  const write = () => writeAtomically([{ path: labelsFile, content: `${JSON.stringify(labels, undefined, 2)}\n` }]);

  await write();
  say(`recording for ${formatDuration(duration)}, ${plan.length} faults`);
  for (const fault of plan) {
    const { at, service, type, args } = fault;
    await until(at);
    if (signal.aborted) break;
    const start = new Date().toISOString();
    const { services } = await sim.fault(service, type, args);
    const label = { start, namespace, service: services[service]?.replica_of ?? service, type };
    labels.push(label);
    await write();
    try {
      say(`${type} on ${service} for ${formatDuration(fault.duration)} ${describeFaultArgs(args)}`.trimEnd());
      await until(at + fault.duration);
    } finally {
      await sim.clearFault();
      labels[labels.length - 1] = { ...label, end: new Date().toISOString() };
      await write();
    }
    say(`${service} recovered`);
  }
  await until(duration);
  say(`recorded ${labels.length} faults in ${labelsFile}`);
  return labels;
}

/** Resolves after `milliseconds`, or immediately when `signal` aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted || milliseconds <= 0) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    return signal.addEventListener('abort', done);
  });
}
