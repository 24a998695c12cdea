/** Fault types from which a random schedule draws unless others are named. */
export const DEFAULT_FAULT_TYPES = ['latency', 'cpu', 'error', 'memory_leak', 'pause', 'refuse', 'crash'] as const;

/** Changed calls, which only traces show. */
const CALL_FAULTS = ['skip_call', 'double_call', 'reorder_calls', 'swallow_error'] as const;

/** Faults of the network interface of a service. */
const NETWORK_FAULTS = ['packet_loss', 'packet_corruption', 'packet_reordering', 'network_delay', 'bandwidth'] as const;

/** Faults that can be injected into one service at a time. */
export const FAULT_TYPES = [...DEFAULT_FAULT_TYPES, ...CALL_FAULTS, 'compute_pi', 'disk', ...NETWORK_FAULTS] as const;
export type FaultType = (typeof FAULT_TYPES)[number];
export type CallFaultType = (typeof CALL_FAULTS)[number];
export type NetworkFaultType = (typeof NETWORK_FAULTS)[number];
export type FaultArgs = Readonly<Record<string, number>>;

export interface Fault {
  readonly type: FaultType;
  readonly args: FaultArgs;
  /** The fault affects only the edge to this service. */
  readonly callee?: string;
}

/** True for faults of the network interface, which the controller injects. */
export function isNetworkFault(type: FaultType): type is NetworkFaultType {
  return (NETWORK_FAULTS as readonly string[]).includes(type);
}

/** True for faults that change which calls a request makes. */
export function isCallFault(type: FaultType): type is CallFaultType {
  return (CALL_FAULTS as readonly string[]).includes(type);
}

/** True for faults that can be limited to the edge to one callee. */
export function takesCallee(type: FaultType): boolean {
  return isCallFault(type) || isNetworkFault(type);
}

/** True for faults within the service's process; the others come from outside. */
export function isInternal(type: FaultType): boolean {
  return type !== 'pause' && type !== 'crash' && !isNetworkFault(type);
}

export interface FaultArgument {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** The range that a random schedule draws from. */
  readonly usual: readonly [number, number];
  readonly help: string;
}

type FaultTable<T> = Readonly<Record<FaultType, T>>;

const requestShare = { default: 1, min: 0.01, max: 1, usual: [0.5, 1] } as const;

/** Share of the packets sent by the service. Above a third, most connections cannot be established. */
const packetShare = { default: 0.1, min: 0, max: 1, usual: [0.1, 0.3] } as const;

const seed: FaultArgument = {
  default: 1,
  min: 0,
  max: 4_294_967_295,
  usual: [10, 99],
  help: 'the same seed affects the same packets, counted from the first',
};

/** The arguments of each fault type. `callee` is not in the table: see `takesCallee`. */
export const FAULT_ARGUMENTS: FaultTable<Readonly<Record<string, FaultArgument>>> = {
  latency: {
    delay: { default: 250, min: 1, max: 30_000, usual: [80, 400], help: 'added to each request, in ms' },
    jitter: { default: 50, min: 0, max: 30_000, usual: [10, 60], help: 'standard deviation of the delay, in ms' },
  },
  cpu: {
    share: { default: 0.6, min: 0.05, max: 0.95, usual: [0.4, 0.7], help: 'total share of one core to burn' },
    work: { default: 20, min: 0, max: 500, usual: [10, 25], help: 'part of it burnt within each request, in ms' },
  },
  error: {
    share: { ...requestShare, help: 'share of the requests answered immediately with 500' },
  },
  memory_leak: {
    rate: { default: 4, min: 0.1, max: 100, usual: [2, 6], help: 'MB per second' },
    cap: { default: 160, min: 1, max: 1024, usual: [100, 250], help: 'maximum in MB' },
  },
  pause: {},
  refuse: {},
  crash: {},
  skip_call: { share: { ...requestShare, help: 'share of the requests' } },
  double_call: { share: { ...requestShare, help: 'share of the requests' } },
  reorder_calls: { share: { ...requestShare, help: 'share of the requests' } },
  swallow_error: { share: { ...requestShare, help: 'share of the requests in which a callee is made to fail' } },
  compute_pi: {
    digits: { default: 3000, min: 1, max: 20_000, usual: [2000, 5000], help: 'decimal digits in each request' },
    share: { ...requestShare, help: 'share of the requests' },
  },
  disk: {
    rate: { default: 8, min: 0.1, max: 500, usual: [4, 16], help: 'MB written and synced per second' },
    size: { default: 64, min: 1, max: 1024, usual: [32, 128], help: 'size of the file in MB, then overwritten' },
  },
  packet_loss: { share: { ...packetShare, help: 'share of the packets' }, seed },
  packet_corruption: { share: { ...packetShare, help: 'share of the packets with data' }, seed },
  packet_reordering: {
    share: { ...packetShare, help: 'share of the packets that later ones overtake' },
    delay: { default: 5, min: 0.1, max: 10_000, usual: [2, 20], help: 'how long these are held, in ms' },
    seed,
  },
  network_delay: {
    delay: { default: 100, min: 0.1, max: 10_000, usual: [20, 200], help: 'added to each packet, in ms' },
    jitter: { default: 0, min: 0, max: 10_000, usual: [1, 10], help: 'standard deviation of the delay, in ms' },
    seed,
  },
  bandwidth: { rate: { default: 100, min: 1, max: 1_000_000, usual: [20, 200], help: 'kB per second' } },
};

/** One line of help for each fault type. */
export const FAULT_HELP: FaultTable<string> = {
  latency: 'each request waits longer',
  cpu: 'computes, within requests and beside them',
  error: 'answers requests with 500',
  memory_leak: 'takes memory and keeps it',
  pause: 'the process is stopped (SIGSTOP)',
  refuse: 'closes its port and connections',
  crash: 'the process is killed (SIGKILL) and not restarted',
  skip_call: 'leaves out a call: all to --callee, or one drawn at random',
  double_call: 'makes a call twice: all to --callee, or one drawn at random',
  reorder_calls: 'makes its calls in reverse order, or the calls to --callee last (first if they were last)',
  swallow_error: 'a call fails (to --callee, or to any) and the request is answered with 200',
  compute_pi: 'computes digits of pi within requests',
  disk: 'writes a file in /var/tmp and syncs it; the file has no name, so it ends with the process',
  packet_loss: 'packets that it sends are dropped (to --callee, or all)',
  packet_corruption: 'one bit of the data of packets that it sends is flipped, and no checksum shows it',
  packet_reordering: 'packets that it sends are held until others have overtaken them',
  network_delay: 'packets that it sends are held',
  bandwidth: 'what it sends is limited by a token bucket',
};

/** A fault type or argument is invalid; the message names it. */
export class FaultError extends Error {
  readonly code = 'FAULT';
  override readonly name = 'FaultError';
}

/**
 * Validates a fault and fills in defaults.
 *
 * @param args unvalidated; missing ones get their default. `callee` is the name of a service.
 * @throws FaultError, for example `latency.delay: expected a number from 1 to 30000, got "x"`.
 */
export function parseFault(type: unknown, args: Readonly<Record<string, unknown>> = {}): Fault {
  const known = FAULT_TYPES.find((candidate) => candidate === type);
  if (known === undefined) {
    throw new FaultError(`type: expected ${FAULT_TYPES.join(', ')}, got ${JSON.stringify(type) ?? 'nothing'}`);
  }
  const specs = FAULT_ARGUMENTS[known];
  const { callee, ...numbers } = args;
  if (callee !== undefined && !takesCallee(known)) throw new FaultError(`${known}.callee: unknown argument`);
  if (callee !== undefined && (typeof callee !== 'string' || callee === '')) {
    throw new FaultError(`${known}.callee: expected the name of a service, got ${JSON.stringify(callee)}`);
  }
  for (const name of Object.keys(numbers)) {
    if (!Object.hasOwn(specs, name)) throw new FaultError(`${known}.${name}: unknown argument`);
  }
  const parsed = Object.entries(specs).map(([name, { default: absent, min, max }]) => {
    const value = numbers[name] ?? absent;
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw new FaultError(
        `${known}.${name}: expected a number from ${min} to ${max}, got ${JSON.stringify(value) ?? ''}`,
      );
    }
    return [name, value] as const;
  });
  return { type: known, args: Object.fromEntries(parsed), ...(callee !== undefined && { callee }) };
}

/** The JSON form of a fault, which `parseFault` accepts. */
export function faultBody({ type, args, callee }: Fault): Readonly<Record<string, string | number>> {
  return { type, ...args, ...(callee !== undefined && { callee }) };
}

/** Formats arguments as `delay=250 jitter=50`. */
export function describeFaultArgs(args: FaultArgs, callee?: string): string {
  return Object.entries({ ...args, ...(callee !== undefined && { callee }) })
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
