import type { CollectorName } from '../collectors/names.ts';

/** What a collector loses without a program: everything, or what the text says. */
export type Loss = typeof ALL | (string & {});
export const ALL = 'all';

export interface Program {
  /** What its absence costs, by collector; the others don't need it. */
  readonly costs: Readonly<Partial<Record<CollectorName, Loss>>>;
  /** Whether it sees the packets of cgroups; it is attached to the root, and so to all. */
  readonly ofCgroups?: boolean;
  /** What takes its place on a kernel that has no hook for it, whichever of them the object has for that kernel. */
  readonly variants?: readonly string[];
}

const STATE: Program = {
  costs: {
    connections: ALL,
    http_status: ALL,
    accept_queues: ALL,
    requests: 'sockets whose role only their beginning tells (clients that bound their port)',
    edges: 'failed connects, unanswered requests, clients that bound their port',
  },
};
const RETRANSMITS: Program = { costs: { connections: 'retransmitted segments' } };
const RESETS: Program = { costs: { connections: 'resets' } };
const HTTP: Program = { costs: { http_status: ALL }, ofCgroups: true };
const PROCESS: Program = { costs: { process_events: ALL } };

/** The kernel programs, in the order in which they are attached. docs/kernels.md has the table that follows from this. */
export const PROGRAMS = {
  inet_sock_set_state: STATE,
  inet_sock_set_state_nested: STATE,
  sock_send_length: {
    costs: {
      requests: ALL,
      connections: 'sent bytes, round-trip times of connections that only send',
      edges: 'requests, unanswered requests, sent bytes',
    },
    variants: ['tcp_sendmsg'],
  },
  sock_recv_length: {
    costs: {
      requests: ALL,
      connections: 'received bytes, round-trip times of connections that only receive',
      edges: 'requests, unanswered requests, received bytes',
    },
    variants: ['tcp_recvmsg', 'tcp_recvmsg_nonblock'],
  },
  http_egress: HTTP,
  http_ingress: HTTP,
  tcp_retransmit_skb: RETRANSMITS,
  tcp_retransmit_synack: RETRANSMITS,
  tcp_send_reset: RESETS,
  tcp_send_reset_nested: RESETS,
  tcp_receive_reset: RESETS,
  tcp_receive_reset_nested: RESETS,
  page_fault_user: { costs: { page_faults: ALL } },
  block_rq_issue: { costs: { block_requests: ALL } },
  sched_process_fork: PROCESS,
  sched_process_exec: PROCESS,
  sched_process_exit: PROCESS,
  sys_enter: { costs: { syscalls: ALL } },
  read_accept_queues: { costs: { accept_queues: ALL } },
  adopt_sockets: {
    costs: {
      connections: 'connections that are older than the exporter, until they move bytes',
      accept_queues: 'ports that were listened on before the exporter started',
    },
  },
} as const satisfies Readonly<Record<string, Program>>;

export type ProgramName = keyof typeof PROGRAMS;
export const PROGRAM_NAMES = Object.keys(PROGRAMS) as readonly ProgramName[];

/** The program's entry, with its optional members. */
export function programOf(name: ProgramName): Program {
  return PROGRAMS[name];
}

/** The collectors that count what sockets do; the others count for processes. */
export const SOCKET_COLLECTORS = [
  'requests',
  'http_status',
  'connections',
  'edges',
  'accept_queues',
] as const satisfies readonly CollectorName[];

/** What each collector shows only with all of these programs; what isn't counted is left out, never shown as zero. */
const FAMILIES = {
  connections: {
    sentBytes: ['sock_send_length'],
    receivedBytes: ['sock_recv_length'],
    retransmits: ['tcp_retransmit_skb', 'tcp_retransmit_synack'],
    resets: ['tcp_send_reset', 'tcp_send_reset_nested', 'tcp_receive_reset', 'tcp_receive_reset_nested'],
  },
  edges: {
    requests: ['sock_send_length', 'sock_recv_length'],
    sentBytes: ['sock_send_length'],
    receivedBytes: ['sock_recv_length'],
    connectFailures: ['inet_sock_set_state', 'inet_sock_set_state_nested'],
    unansweredRequests: ['inet_sock_set_state', 'inet_sock_set_state_nested', 'sock_send_length', 'sock_recv_length'],
  },
} as const satisfies Readonly<Partial<Record<CollectorName, Readonly<Record<string, readonly ProgramName[]>>>>>;

/** Which families are counted here, by collector. */
export type Counted = {
  readonly [C in keyof typeof FAMILIES]: Readonly<Record<keyof (typeof FAMILIES)[C], boolean>>;
};

/** @param works whether a program runs here */
export function countedFamilies(works: (program: ProgramName) => boolean): Counted {
  const flags = (families: Readonly<Record<string, readonly ProgramName[]>>) =>
    Object.fromEntries(Object.entries(families).map(([family, programs]) => [family, programs.every(works)]));
  return { connections: flags(FAMILIES.connections), edges: flags(FAMILIES.edges) } as Counted;
}

/** Of a collector here: everything, less, or nothing. */
export type Health = 'whole' | 'less' | 'none';

/** What the absence of programs costs one collector. */
export interface CollectorHealth {
  readonly health: Health;
  /** What is lost, each once; empty when whole. */
  readonly lost: readonly string[];
  /** The absent programs that it needs. */
  readonly missing: readonly ProgramName[];
}

/** @param missing the programs that don't run here */
export function healthOf(collector: CollectorName, missing: ReadonlySet<ProgramName>): CollectorHealth {
  const needed = PROGRAM_NAMES.filter((name) => missing.has(name) && programOf(name).costs[collector] !== undefined);
  const lost = new Set(needed.map((name) => programOf(name).costs[collector] ?? ''));
  // Of edges no program alone is everything.
  const nothingLeft =
    collector === 'edges' && !Object.values(countedFamilies((name) => !missing.has(name)).edges).includes(true);
  if (lost.has(ALL) || nothingLeft) return { health: 'none', lost: [ALL], missing: needed };
  return { health: needed.length === 0 ? 'whole' : 'less', lost: [...lost], missing: needed };
}

/** Whether the program does anything for one of the collectors. */
export function serves(program: ProgramName, collectors: ReadonlySet<CollectorName>): boolean {
  return Object.keys(programOf(program).costs).some((name) => collectors.has(name as CollectorName));
}
