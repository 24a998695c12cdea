import { z } from 'zod';
import { durationSchema } from '../../../daemon/config-file.ts';

/** Time for which the deletion of a workload is looked for: its service vanishes within it. */
const DELETED_WITHIN = '15m';

/** Services of workloads that were deleted lately, as kube-state-metrics has them. */
function deleted(kind: string): string {
  const series = `kube_${kind}_created`;
  return (
    `group by (namespace, service) (label_replace(last_over_time(${series}[${DELETED_WITHIN}]) ` +
    `unless on (namespace, ${kind}) ${series}, "service", "$1", "${kind}", "(.+)")) and on () group(${series})`
  );
}

/** Services of workloads that are scaled to zero. */
function scaledToZero(kind: string, replicas: string): string {
  return `group by (namespace, service) (label_replace(${replicas} == 0, "service", "$1", "${kind}", "(.+)"))`;
}

/** Services that were removed on purpose, where kube-state-metrics runs. Without it, these return nothing. */
export const REMOVED = [
  scaledToZero('deployment', 'kube_deployment_spec_replicas'),
  scaledToZero('statefulset', 'kube_statefulset_replicas'),
  ...['deployment', 'statefulset', 'daemonset'].map(deleted),
];

const expression = z.string('expected a PromQL expression').min(1, 'expected a PromQL expression');

/** The section `gone` of scorer.yaml. */
export const goneSchema = z
  .strictObject({
    keep: durationSchema.default(60 * 60_000),
    max: z.int('expected a whole number').positive('expected 1 or more').default(20),
    removed: z.array(expression).default(REMOVED),
  })
  .prefault({});

export type GoneSettings = z.output<typeof goneSchema>;
