import { z } from 'zod';
import { readConfigFile } from '../../daemon/config-file.ts';
import { serviceKey } from '../identity/service-key.ts';

/** A known fault. */
export interface Fault {
  readonly startMs: number;
  readonly endMs: number;
  /** Key of the faulty service. */
  readonly key: string;
  readonly type: string;
}

/** Duration of a fault without an end, if the next one doesn't start earlier. */
export const DEFAULT_DURATION_MS = 5 * 60_000;

const timeSchema = z.iso
  .datetime({ offset: true, message: 'expected a time such as 2024-05-01T12:00:00Z' })
  .transform((text) => Date.parse(text));

const labelsSchema = z.array(
  z.strictObject({
    start: timeSchema,
    end: timeSchema.optional(),
    namespace: z.string(),
    service: z.string(),
    type: z.string(),
  }),
);

export type FaultLabel = z.input<typeof labelsSchema>[number];

/**
 * Reads known faults from JSON, `[{"start", "end"?, "namespace", "service", "type"}]`; returns them in time order.
 *
 * @throws ConfigError naming file, path and expectation
 */
export function readFaults(path: string): Fault[] {
  return toFaults(readConfigFile(path, labelsSchema));
}

/** Like `readFaults`, for labels in memory. */
export function faultsOf(labels: readonly FaultLabel[]): Fault[] {
  return toFaults(labelsSchema.parse(labels));
}

function toFaults(labels: z.output<typeof labelsSchema>): Fault[] {
  const sorted = labels.toSorted((a, b) => a.start - b.start);
  return sorted.map(({ start, end, namespace, service, type }) => {
    const next = sorted.find((other) => other.start > start)?.start ?? Infinity;
    const endMs = end ?? Math.min(start + DEFAULT_DURATION_MS, next);
    return { startMs: start, endMs, key: serviceKey({ namespace, service }), type };
  });
}
