import { z } from 'zod';
import { durationSchema } from '../../daemon/config-file.ts';
import { parseListenAddress } from '../../daemon/http-server/listen.ts';

const MIB = 1024 * 1024;

/** Defaults of the keys of `traces`. */
export const TRACES_DEFAULTS = {
  maxBody: 4 * MIB,
  wait: 10_000,
  maxAge: 60_000,
  namespace: 'default',
  maxTraces: 20_000,
  maxSpans: 100_000,
  maxSpansPerTrace: 5000,
  maxBytes: 64 * MIB,
  maxEdges: 2000,
  edgeIdle: 15 * 60_000,
  maxEndpoints: 500,
  endpointIdle: 60 * 60_000,
} as const;

const ADDRESS = 'expected [host]:port such as :4318';

function isListenAddress(text: string): boolean {
  try {
    parseListenAddress(text);
    return true;
  } catch {
    return false;
  }
}

const count = (value: number) =>
  z.int('expected a whole number').positive('expected a number of 1 or more').default(value);

/** The section `traces` of scorer.yaml. Durations in milliseconds, sizes in bytes. */
export const tracesSchema = z.strictObject({
  listen_address: z.string(ADDRESS).refine(isListenAddress, ADDRESS),
  max_body: count(TRACES_DEFAULTS.maxBody),
  wait: durationSchema.default(TRACES_DEFAULTS.wait),
  max_age: durationSchema.default(TRACES_DEFAULTS.maxAge),
  namespace: z.string('expected a namespace').min(1, 'expected a namespace').default(TRACES_DEFAULTS.namespace),
  max_traces: count(TRACES_DEFAULTS.maxTraces),
  max_spans: count(TRACES_DEFAULTS.maxSpans),
  max_spans_per_trace: count(TRACES_DEFAULTS.maxSpansPerTrace),
  max_bytes: count(TRACES_DEFAULTS.maxBytes),
  service_graph: z.boolean('expected true or false').default(false),
  max_edges: count(TRACES_DEFAULTS.maxEdges),
  edge_idle: durationSchema.default(TRACES_DEFAULTS.edgeIdle),
  endpoints: z.boolean('expected true or false').default(true),
  max_endpoints: count(TRACES_DEFAULTS.maxEndpoints),
  endpoint_idle: durationSchema.default(TRACES_DEFAULTS.endpointIdle),
});

export type TracesConfig = z.output<typeof tracesSchema>;
