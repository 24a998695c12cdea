/** Faults that can be injected into one service at a time. */
export const FAULT_TYPES = ['latency', 'cpu', 'error', 'memory_leak', 'pause', 'refuse', 'crash'] as const;
export type FaultType = (typeof FAULT_TYPES)[number];
export type FaultArgs = Readonly<Record<string, number>>;

export interface Fault {
  readonly type: FaultType;
  readonly args: FaultArgs;
}

export interface FaultArgument {
  readonly default: number;
  readonly least: number;
  readonly most: number;
  /** The range that a random schedule draws from. */
  readonly usual: readonly [number, number];
  readonly help: string;
}

/** The arguments of each fault type. */
export const FAULT_ARGUMENTS: Readonly<Record<FaultType, Readonly<Record<string, FaultArgument>>>> = {
  latency: {
    delay: { default: 250, least: 1, most: 30_000, usual: [80, 400], help: 'added to each request, in ms' },
    jitter: { default: 50, least: 0, most: 30_000, usual: [10, 60], help: 'standard deviation of the delay, in ms' },
  },
  cpu: {
    share: { default: 0.6, least: 0.05, most: 0.95, usual: [0.4, 0.7], help: 'total share of one core to burn' },
    work: { default: 20, least: 0, most: 500, usual: [10, 25], help: 'part of it burnt within each request, in ms' },
  },
  error: {
    share: {
      default: 1,
      least: 0.01,
      most: 1,
      usual: [0.5, 1],
      help: 'share of the requests answered immediately with 500',
    },
  },
  memory_leak: {
    rate: { default: 4, least: 0.1, most: 100, usual: [2, 6], help: 'MB per second' },
    cap: { default: 160, least: 1, most: 1024, usual: [100, 250], help: 'maximum in MB' },
  },
  pause: {},
  refuse: {},
  crash: {},
};

/** True for faults within the service's process; `pause` and `crash` come from outside. */
export function isInternal(type: FaultType): boolean {
  return type !== 'pause' && type !== 'crash';
}

/** A fault type or argument is invalid; the message names it. */
export class FaultError extends Error {
  readonly code = 'FAULT';
  override readonly name = 'FaultError';
}

/**
 * Validates a fault and fills in defaults.
 *
 * @param args unvalidated; missing ones get their default.
 * @throws FaultError, for example `latency.delay: expected a number from 1 to 30000, got "x"`.
 */
export function parseFault(type: unknown, args: Readonly<Record<string, unknown>> = {}): Fault {
  const known = FAULT_TYPES.find((candidate) => candidate === type);
  if (known === undefined) {
    throw new FaultError(`type: expected ${FAULT_TYPES.join(', ')}, got ${JSON.stringify(type) ?? 'nothing'}`);
  }
  const specs = FAULT_ARGUMENTS[known];
  for (const name of Object.keys(args)) {
    if (!Object.hasOwn(specs, name)) throw new FaultError(`${known}.${name}: unknown argument`);
  }
  const parsed = Object.entries(specs).map(([name, { default: absent, least, most }]) => {
    const value = args[name] ?? absent;
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      throw new FaultError(
        `${known}.${name}: expected a number from ${least} to ${most}, got ${JSON.stringify(value) ?? ''}`,
      );
    }
    return [name, value] as const;
  });
  return { type: known, args: Object.fromEntries(parsed) };
}

/** Formats arguments as `delay=250 jitter=50`. */
export function describeFaultArgs(args: FaultArgs): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
