import type { DetectorDescriptor } from '../detector.ts';
import { learnTraces } from './learn.ts';
import { parseModel, renderModel } from './model.ts';
import type { TraceSequenceSettings } from './settings.ts';
import { TraceSequence } from './trace-sequence.ts';

export const traceSequence: DetectorDescriptor<TraceSequenceSettings> = {
  name: 'trace_sequence',
  summary: 'Learns which event may follow which in a trace, and how long each takes.',
  // Traces, and no features.
  reads: () => ({}),
  reach: () => 0,
  async learn(past, settings) {
    return renderModel(await learnTraces(past, settings));
  },
  async open(learned, settings) {
    return TraceSequence.open(parseModel(learned, settings), settings);
  },
};
