/** What can go wrong with one service at a time. */
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

/** The arguments that each type of fault takes. */
export const FAULT_ARGUMENTS: Readonly<Record<FaultType, Readonly<Record<string, FaultArgument>>>> = {
  latency: {
    delay: { default: 250, least: 1, most: 30_000, usual: [80, 400], help: 'added to each request, in ms' },
    jitter: { default: 50, least: 0, most: 30_000, usual: [10, 60], help: 'standard deviation of the delay, in ms' },
  },
  cpu: {
    share: { default: 0.6, least: 0.05, most: 0.95, usual: [0.4, 0.7], help: 'share of one core to burn in all' },
    work: { default: 20, least: 0, most: 500, usual: [10, 25], help: 'of it burnt within each request, in ms' },
  },
  error: {
    share: { default: 1, least: 0.01, most: 1, usual: [0.5, 1], help: 'share of the requests answered 500 at once' },
  },
  memory_leak: {
    rate: { default: 4, least: 0.1, most: 100, usual: [2, 6], help: 'MB a second' },
    cap: { default: 160, least: 1, most: 1024, usual: [100, 250], help: 'MB at most' },
  },
  pause: {},
  refuse: {},
  crash: {},
};

/** Faults that the service itself shows; `pause` and `crash` come from outside of its process. */
export function isInternal(type: FaultType): boolean {
  return type !== 'pause' && type !== 'crash';
}

/** A fault's type or an argument is wrong; the message names it. */
export class FaultError extends Error {
  readonly code = 'FAULT';
  override readonly name = 'FaultError';
}

/**
 * A checked fault with every argument of its type.
 *
 * @param args as they come over the wire; absent ones get their default.
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

/** `delay=250 jitter=50`, for people. */
export function describeFaultArgs(args: FaultArgs): string {
  return Object.entries(args)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
