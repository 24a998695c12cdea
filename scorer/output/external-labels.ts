import { z } from 'zod';
import { LABEL_NAME } from '../../daemon/labels.ts';
import type { Sample } from './remote-write/sample.ts';

const EXPECTED = 'expected names of labels, such as cluster, with their values';

/** `external_labels` of scorer.yaml: labels of all series that the scorer writes. */
export const externalLabelsSchema = z
  .record(z.string(), z.string('expected a text'), EXPECTED)
  .refine((labels) => Object.keys(labels).every((name) => LABEL_NAME.test(name) && !name.startsWith('__')), EXPECTED)
  .default({});

/** Adds labels to those samples that don't have them, as Prometheus does. */
export function withExternalLabels(samples: readonly Sample[], external: Readonly<Record<string, string>>): Sample[] {
  if (Object.keys(external).length === 0) return [...samples];
  return samples.map((sample) => ({ ...sample, labels: { ...external, ...sample.labels } }));
}
