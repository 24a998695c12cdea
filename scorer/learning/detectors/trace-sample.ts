import type { ScorerConfig } from '../../config.ts';
import { EventReader } from '../../detectors/trace-sequence/events/events.ts';
import { eventsOf } from '../../detectors/trace-sequence/model.ts';
import { TraceSample } from '../../detectors/trace-sequence/sample/trace-sample.ts';
import { OperationNames } from '../../traces/operation.ts';

/** Traces that are kept to learn from, and their bytes. */
const MAX_TRACES = 20_000;
const MAX_BYTES = 32 * 2 ** 20;
const SEED = 1;

/** The sample of traces that a scorer with this configuration keeps; undefined if no detector reads traces. */
export function createTraceSample({ detectors, learning, interval }: ScorerConfig): TraceSample | undefined {
  const settings = detectors.trace_sequence;
  if (settings === undefined) return undefined;
  return new TraceSample(new EventReader(settings.order, new OperationNames(settings.patterns)), {
    events: eventsOf(settings),
    historyMs: learning.history,
    intervalMs: interval,
    maxTraces: MAX_TRACES,
    maxBytes: MAX_BYTES,
    seed: SEED,
  });
}
