import { z } from 'zod';
import { readConfigFile } from '../../daemon/config-file.ts';
import { Identity, type SeriesLabels } from '../identity/identity.ts';
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

const labelSchema = z.strictObject({
  start: timeSchema,
  end: timeSchema.optional(),
  namespace: z.string(),
  service: z.string(),
  type: z.string(),
});

/** Faults have the labels of the identity, too. */
const labelsSchema = ({ labels }: Identity) =>
  z.array(labelSchema.extend(Object.fromEntries(labels.map((label) => [label, z.string().optional()]))));

export type FaultLabel = z.input<typeof labelSchema>;
type ReadLabel = z.output<typeof labelSchema> & { readonly [label: string]: unknown };

/**
 * Reads known faults from JSON, `[{"start", "end"?, "namespace", "service", "type"}]`, with further labels of `identity`;
 * returns them in time order.
 *
 * @throws ConfigError naming file, path and expectation
 */
export function readFaults(path: string, identity: Identity = new Identity()): Fault[] {
  return toFaults(readConfigFile(path, labelsSchema(identity)) as ReadLabel[], identity);
}

/** Like `readFaults`, for labels in memory. */
export function faultsOf(labels: readonly FaultLabel[], identity: Identity = new Identity()): Fault[] {
  return toFaults(labelsSchema(identity).parse(labels) as ReadLabel[], identity);
}

function toFaults(labels: readonly ReadLabel[], identity: Identity): Fault[] {
  const sorted = labels.toSorted((a, b) => a.start - b.start);
  return sorted.map(({ start, end, namespace, service, type, ...further }) => {
    const next = sorted.find((other) => other.start > start)?.start ?? Infinity;
    const endMs = end ?? Math.min(start + DEFAULT_DURATION_MS, next);
    const name = { ...identity.place(further as SeriesLabels), namespace, service };
    return { startMs: start, endMs, key: serviceKey(name), type };
  });
}
