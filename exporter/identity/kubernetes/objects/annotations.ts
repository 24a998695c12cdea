import type { ObjectMeta } from '../api/metadata.ts';

export const MONITOR = 'lorikeet.dev/monitor';
export const SERVICE = 'lorikeet.dev/service';

/** An invalid annotation. */
export interface RejectedAnnotation {
  readonly annotation: string;
  readonly value: string;
  readonly expected: string;
}

/** Settings from the annotations of a pod or namespace; undefined if missing or invalid. */
export interface Annotations {
  /** True if the pods are to be monitored. */
  readonly monitor: boolean | undefined;
  /** Overrides the workload's name as the service name. */
  readonly service: string | undefined;
  readonly rejected: readonly RejectedAnnotation[];
}

/** As for label values, but with up to 253 characters, the limit for names of workloads. */
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/;

export function readAnnotations({ annotations = {} }: ObjectMeta): Annotations {
  const rejected: RejectedAnnotation[] = [];
  const { [MONITOR]: monitor, [SERVICE]: service } = annotations;
  if (monitor !== undefined && monitor !== 'true' && monitor !== 'false') {
    rejected.push({ annotation: MONITOR, value: monitor, expected: '"true" or "false"' });
  }
  const named = service !== undefined && NAME.test(service);
  if (service !== undefined && !named) {
    rejected.push({ annotation: SERVICE, value: service, expected: 'a name of letters, digits, "-", "_" and "."' });
  }
  return {
    monitor: monitor === 'true' ? true : monitor === 'false' ? false : undefined,
    service: named ? service : undefined,
    rejected,
  };
}
