import { cutAndCount } from '../../../../daemon/text/visible.ts';
import { EXPECTED_PROTOCOL, portNumber, protocolNumber } from '../../protocols.ts';
import type { ObjectMeta } from '../api/metadata.ts';

export const MONITOR = 'lorikeet.dev/monitor';
export const SERVICE = 'lorikeet.dev/service';
export const PROTOCOLS = 'lorikeet.dev/protocols';

/** An invalid annotation. */
export interface RejectedAnnotation {
  readonly annotation: string;
  /** The start of the value: all annotations of a pod may have 256 KiB. */
  readonly value: string;
  readonly expected: string;
}

/** Settings from the annotations of a pod or namespace; undefined if missing or invalid. */
export interface Annotations {
  /** True if the pods are to be monitored. */
  readonly monitor: boolean | undefined;
  /** Overrides the workload's name as the service name. */
  readonly service: string | undefined;
  /** Port -> number of its protocol. */
  readonly protocols: ReadonlyMap<number, number> | undefined;
  readonly rejected: readonly RejectedAnnotation[];
}

const MAX_VALUE_CHARS = 100;

/** As for label values, but with up to 253 characters, the limit for names of workloads. */
const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?$/;

export function readAnnotations({ annotations = {} }: ObjectMeta): Annotations {
  const rejected: RejectedAnnotation[] = [];
  const reject = (annotation: string, value: string, expected: string) =>
    rejected.push({ annotation, value: cutAndCount(value, MAX_VALUE_CHARS), expected });
  const { [MONITOR]: monitor, [SERVICE]: service, [PROTOCOLS]: declared } = annotations;
  if (monitor !== undefined && monitor !== 'true' && monitor !== 'false') {
    reject(MONITOR, monitor, '"true" or "false"');
  }
  const named = service !== undefined && NAME.test(service);
  if (service !== undefined && !named) {
    reject(SERVICE, service, 'a name of letters, digits, "-", "_" and "."');
  }
  const protocols = declared === undefined ? undefined : readProtocols(declared);
  if (declared !== undefined && protocols === undefined) {
    reject(PROTOCOLS, declared, `ports such as "9000=amqp,9001=messages", with ${EXPECTED_PROTOCOL}`);
  }
  return {
    monitor: monitor === 'true' ? true : monitor === 'false' ? false : undefined,
    service: named ? service : undefined,
    protocols,
    rejected,
  };
}

/** Reads `9000=amqp,9001=messages`; undefined if a part is invalid. */
function readProtocols(text: string): ReadonlyMap<number, number> | undefined {
  const protocols = new Map<number, number>();
  for (const part of text.split(',')) {
    const [port, name, ...more] = part.trim().split('=');
    const [number, protocol] = [portNumber(port ?? ''), protocolNumber(name ?? '')];
    if (number === undefined || protocol === undefined || more.length > 0) return undefined;
    protocols.set(number, protocol);
  }
  return protocols;
}
