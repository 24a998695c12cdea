import type { ObjectMeta } from './metadata.ts';

export const MONITOR = 'lorikeet.dev/monitor';
export const SERVICE = 'lorikeet.dev/service';

/** An annotation that isn't what it should be. */
export interface RejectedAnnotation {
  readonly annotation: string;
  readonly value: string;
  readonly expected: string;
}

/** What the annotations of a pod or namespace ask for; undefined what they don't, or not well. */
export interface Annotations {
  /** Whether series are wanted. */
  readonly monitor: boolean | undefined;
  /** The service's name, instead of the workload's. */
  readonly service: string | undefined;
  readonly rejected: readonly RejectedAnnotation[];
}

/** As a label's value may be; names of workloads that are longer have the rest of 253 characters. */
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
