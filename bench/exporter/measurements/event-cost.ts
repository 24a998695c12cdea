/** Measures the overhead of counting for a system call, a page fault, a process, a block request and a datagram. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { BpfObject } from '../../../native/index.ts';
import { round } from '../../statistics.ts';
import { type Row, rowsOf } from '../results.ts';

const ROUNDS = 31;
const BPF_STATS = '/proc/sys/kernel/bpf_stats_enabled';
const WITHOUT = 'nothing attached';

interface Event {
  readonly what: string;
  /** The name in bench/exporter/measurements/events.c. */
  readonly kind: string;
  readonly programs: readonly string[];
  /** Chosen so that a round takes 0.1 to 0.2 s. */
  readonly count: number;
}

const DATAGRAMS = ['sock_send_length', 'sock_recv_length'] as const;

const EVENTS: readonly Event[] = [
  { what: 'system call (getppid)', kind: 'system-call', programs: ['sys_enter'], count: 1_000_000 },
  { what: 'page fault (fresh memory)', kind: 'page-fault', programs: ['page_fault_user'], count: 200_000 },
  {
    what: 'process (fork, exit and wait)',
    kind: 'process',
    programs: ['sched_process_fork', 'sched_process_exec', 'sched_process_exit'],
    count: 1000,
  },
  { what: 'block request (4 kB, direct)', kind: 'block-request', programs: ['block_rq_issue'], count: 1000 },
  { what: 'UDP request and answer, both ends', kind: 'udp-request', programs: DATAGRAMS, count: 20_000 },
  { what: 'DNS query and answer, both ends', kind: 'dns-query', programs: DATAGRAMS, count: 20_000 },
];

/** Each event with and without its programs, alternately; then the time of the programs as measured by the kernel. */
export function measureEvents(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-'));
  try {
    const program = join(folder, 'events');
    execFileSync('gcc', ['-O2', '-Wall', '-Werror', 'bench/exporter/measurements/events.c', '-o', program]);
    return Promise.resolve(EVENTS.flatMap((event) => [...compare(program, event), ...ownTime(program, event)]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Nanoseconds per event. */
function run(program: string, { kind, count }: Event): number {
  return Number(execFileSync(program, [kind, String(count)], { encoding: 'utf8', cwd: dirname(program) }));
}

function compare(program: string, event: Event): readonly Row[] {
  const counted: number[] = [];
  const bare: number[] = [];
  const added: number[] = [];
  for (let turn = 0; turn < ROUNDS; turn++) {
    const without = run(program, event);
    const withPrograms = withAttached(event.programs, () => run(program, event));
    bare.push(without);
    counted.push(withPrograms);
    added.push(withPrograms - without);
  }
  return [
    ...rowsOf(
      event.what,
      'ns',
      new Map([
        [undefined, counted],
        [WITHOUT, bare],
      ]),
    ),
    ...rowsOf(`counting added to a ${event.what}`, 'ns', new Map([[undefined, added]])),
  ];
}

/** Measured separately, because the kernel's measurement takes time as well. */
function ownTime(program: string, event: Event): readonly Row[] {
  const before = readFileSync(BPF_STATS, 'utf8');
  writeFileSync(BPF_STATS, '1');
  try {
    return withAttached(event.programs, (bpf) => {
      run(program, event);
      return bpf
        .programStats()
        .filter(({ runCount }) => runCount > 0)
        .map(({ name, runCount, runTimeNs }) => {
          const mean = round(runTimeNs / runCount);
          // These programs also serve TCP.
          const subject = event.programs === DATAGRAMS ? `${name}, ${event.kind}` : name;
          return { what: `run of ${subject}, mean`, median: mean, p99: mean, unit: 'ns' };
        });
    });
  } finally {
    writeFileSync(BPF_STATS, before);
  }
}

function withAttached<T>(programs: readonly string[], work: (bpf: BpfObject) => T): T {
  const bpf = BpfObject.open('dist/lorikeet.bpf.o');
  try {
    for (const program of programs) bpf.attach(program);
    return work(bpf);
  } finally {
    bpf.close();
  }
}
