import { ALL, type KernelNeeds } from './needs.ts';

/** What sets a program apart from one that is attached to its own hook on every kernel. */
interface Traits {
  /** What takes its place on a kernel that has no hook for it, whichever of them the object has for that kernel. */
  readonly variants?: readonly string[];
  /** Whether it sees the packets of cgroups; it is attached to the root, and so to all. */
  readonly ofCgroups?: boolean;
}

const TRAITS: Readonly<Record<string, Traits>> = {
  sock_send_length: { variants: ['tcp_sendmsg'] },
  sock_recv_length: { variants: ['tcp_recvmsg', 'tcp_recvmsg_nonblock'] },
  http_egress: { ofCgroups: true },
  http_ingress: { ofCgroups: true },
};

/** The names that a program may have in the object, its own first. */
export function namesOf(program: string): readonly string[] {
  return [program, ...(TRAITS[program]?.variants ?? [])];
}

export function isOfCgroups(program: string): boolean {
  return TRAITS[program]?.ofCgroups === true;
}

/** The programs that any of the collectors uses, in the order in which they are attached. */
export function programsOf(needs: Iterable<KernelNeeds>): readonly string[] {
  return [...new Set([...needs].flatMap(({ programs }) => Object.keys(programs)))];
}

/** Of a collector here: everything, less, or nothing. */
export type Health = 'whole' | 'less' | 'none';

/** What the absence of programs costs one collector. */
export interface CollectorHealth {
  readonly health: Health;
  /** What is lost, each once; empty when whole. */
  readonly lost: readonly string[];
  /** The absent programs that it needs. */
  readonly missing: readonly string[];
}

/** @param missing the programs that don't run here */
export function healthOf(needs: KernelNeeds, missing: ReadonlySet<string>): CollectorHealth {
  const absent = Object.keys(needs.programs).filter((name) => missing.has(name));
  const lost = new Set(absent.map((name) => needs.programs[name] ?? ''));
  const counted = Object.values(countedFamilies(needs, (name) => !missing.has(name)));
  const nothingLeft = counted.length > 0 && !counted.includes(true);
  if (lost.has(ALL) || nothingLeft) return { health: 'none', lost: [ALL], missing: absent };
  return { health: absent.length === 0 ? 'whole' : 'less', lost: [...lost], missing: absent };
}

/** Which of a collector's families are counted. @param runs whether a program runs here */
export function countedFamilies(
  { countedBy = {} }: KernelNeeds,
  runs: (program: string) => boolean,
): Readonly<Record<string, boolean>> {
  return Object.fromEntries(Object.entries(countedBy).map(([family, programs]) => [family, programs.every(runs)]));
}
