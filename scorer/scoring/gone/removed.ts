import { dividedBy } from '../../features/labelled-expression.ts';
import { selectorOf } from '../../prometheus/selector.ts';
import type { SourceOfSeries } from './excuses.ts';

/** Time for which the deletion of a workload is looked for: its service vanishes within it. */
const DELETED_WITHIN = '15m';

/**
 * Expressions that return the services that were removed on purpose, where kube-state-metrics runs. Without it, they
 * return nothing: in each cluster by itself, if labels of the identity keep clusters apart.
 */
export function removedExpressions({ identity, matchers }: SourceOfSeries): string[] {
  const select = (series: string) => selectorOf(series, matchers);
  const expressions = [
    scaledToZero('deployment', select('kube_deployment_spec_replicas')),
    scaledToZero('statefulset', select('kube_statefulset_replicas')),
    ...['deployment', 'statefulset', 'daemonset'].map((kind) => deleted(kind, select(`kube_${kind}_created`))),
  ];
  return expressions.map((expr) => dividedBy(expr, identity.labels));
}

/** Services of workloads that were deleted lately, as kube-state-metrics has them. */
function deleted(kind: string, created: string): string {
  return (
    `group by (namespace, service) (label_replace(last_over_time(${created}[${DELETED_WITHIN}]) ` +
    `unless on (namespace, ${kind}) ${created}, "service", "$1", "${kind}", "(.+)")) and on () group(${created})`
  );
}

/** Services of workloads that are scaled to zero. */
function scaledToZero(kind: string, replicas: string): string {
  return `group by (namespace, service) (label_replace(${replicas} == 0, "service", "$1", "${kind}", "(.+)"))`;
}
