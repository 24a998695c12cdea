import { ALL, type KernelNeeds } from './needs.ts';

/** Special properties of a program. */
interface Traits {
  /** Programs that replace it on a kernel without its hook; the loader selects the one for that kernel. */
  readonly variants?: readonly string[];
  /** A program that does its work as well, on a kernel with that one's hook. */
  readonly coveredBy?: string;
}

const TRAITS: Readonly<Record<string, Traits>> = {
  sock_send_length: { variants: ['tcp_sendmsg'] },
  sock_recv_length: { variants: ['tcp_recvmsg', 'tcp_recvmsg_nonblock'] },
  udp_sendmsg: { coveredBy: 'sock_send_length' },
  udpv6_sendmsg: { coveredBy: 'sock_send_length' },
  udp_recvmsg: { coveredBy: 'sock_recv_length', variants: ['udp_recvmsg_nonblock'] },
  udpv6_recvmsg: { coveredBy: 'sock_recv_length', variants: ['udpv6_recvmsg_nonblock'] },
};

/** The names of a program and its variants in the object, its own first. */
export function namesOf(program: string): readonly string[] {
  return [program, ...(TRAITS[program]?.variants ?? [])];
}

/** The program that does the work of this one on kernels with its hook; undefined if there is none. */
export function coverOf(program: string): string | undefined {
  return TRAITS[program]?.coveredBy;
}

/** The programs of the collectors, in the order in which they are attached. */
export function programsOf(needs: Iterable<KernelNeeds>): readonly string[] {
  return [...new Set([...needs].flatMap(({ programs }) => Object.keys(programs)))];
}

/** A collector on this machine: complete, partial, or unavailable. */
export type Health = 'whole' | 'less' | 'none';

/** The effect of missing programs on one collector. */
export interface CollectorHealth {
  readonly health: Health;
  /** The losses, each once; empty if `whole`. */
  readonly lost: readonly string[];
  /** The programs that it needs and that do not run. */
  readonly missing: readonly string[];
}

/** @param missing the programs that do not run on this machine */
export function healthOf(needs: KernelNeeds, missing: ReadonlySet<string>): CollectorHealth {
  const absent = Object.keys(needs.programs).filter((name) => missing.has(name));
  const lost = new Set(absent.map((name) => needs.programs[name] ?? ''));
  const counted = Object.values(countedFamilies(needs, (name) => !missing.has(name)));
  const nothingLeft = counted.length > 0 && !counted.includes(true);
  if (lost.has(ALL) || nothingLeft) return { health: 'none', lost: [ALL], missing: absent };
  return { health: absent.length === 0 ? 'whole' : 'less', lost: [...lost], missing: absent };
}

/** True if collectors of sockets are among the enabled ones and none of them is available. */
export function lacksSockets(chosen: readonly KernelNeeds[], health: (name: string) => Health | undefined): boolean {
  const ofSockets = chosen.filter((needs) => needs.ofSockets === true);
  return ofSockets.length > 0 && ofSockets.every(({ name }) => health(name) === 'none');
}

/** Families of a collector, and whether each is counted. @param runs whether a program runs on this machine */
export function countedFamilies(
  { countedBy = {} }: KernelNeeds,
  runs: (program: string) => boolean,
): Readonly<Record<string, boolean>> {
  return Object.fromEntries(Object.entries(countedBy).map(([family, programs]) => [family, programs.every(runs)]));
}
