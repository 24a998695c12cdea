import type { PeerAddress } from '../addresses.ts';
import type { Target } from '../target.ts';
import type { Endpoints } from './endpoints.ts';
import type { LocalPod, PeerPod } from './pod.ts';
import type { VirtualService } from './service.ts';

/** Who is known to be where. */
export interface PeerObjects {
  /** This machine's. */
  readonly local: Iterable<LocalPod>;
  /** The pods of all machines by their keys. */
  readonly pods: ReadonlyMap<string, PeerPod>;
  readonly services: ReadonlyMap<string, VirtualService>;
  readonly slices: Iterable<Endpoints>;
}

/** A service as the product names it. */
interface Identity {
  readonly namespace: string;
  readonly service: string;
}

/** Who says that an address is whose. */
interface Claim {
  readonly address: PeerAddress;
  readonly createdAt: number;
  /** Undefined where claims of the same age contradict each other. */
  readonly identity: Identity | undefined;
}

/** Claims of endpoints that are no pods are older than those of any pod. */
const NO_POD = -1;

/** What is behind a service: workloads with pods that are ready, and those with others. */
interface Backing {
  readonly ready: Map<string, Identity>;
  readonly others: Map<string, Identity>;
}

/**
 * Tells which workload is behind an address: a pod's own, an endpoint's, a service's. Of pods that had an address one
 * after another the newest has it. A service's address stands for the one workload behind it; with several behind it, or
 * none that is a pod, for the service itself, `service/<name>`, which no workload can be named.
 */
export class Peers {
  /** What was behind a service last: who asks a service without endpoints asks for what is missing. */
  #last = new Map<string, Identity>();
  #ambiguous = 0;

  /** Services of which it can't be told which workload answers, at the last resolution. */
  get ambiguous(): number {
    return this.#ambiguous;
  }

  /** Targets that run elsewhere, as far as their addresses show; one for each service. */
  resolve({ local, pods, services, slices }: PeerObjects): readonly Target[] {
    const claims = new Claims();
    const localAddresses = new Set<string>();
    for (const pod of local) {
      for (const address of pod.addresses) {
        claims.add(address, pod, pod.createdAt);
        if (address.port === undefined) localAddresses.add(address.bytes);
      }
    }
    const backings = new Map<string, Backing>();
    for (const { namespace, service, endpoints, ports } of slices) {
      const backing = backingOf(backings, `${namespace}/${service}`);
      for (const { bytes, pod: key, ready } of endpoints) {
        const pod = key === undefined ? undefined : pods.get(key);
        // The endpoint comes before its pod, or goes after it.
        if (key !== undefined && pod === undefined) continue;
        const identity = pod ?? ownName(namespace, service);
        (ready ? backing.ready : backing.others).set(identityKey(identity), identity);
        // A pod of this machine is known better, and has all ports.
        if (localAddresses.has(bytes)) continue;
        for (const port of ports) claims.add({ bytes, port }, identity, pod?.createdAt ?? NO_POD);
      }
    }
    this.#resolveServices(services, backings, claims);
    return claims.targets();
  }

  #resolveServices(
    services: ReadonlyMap<string, VirtualService>,
    backings: ReadonlyMap<string, Backing>,
    claims: Claims,
  ): void {
    const last = new Map<string, Identity>();
    this.#ambiguous = 0;
    for (const [key, { namespace, name, addresses }] of services) {
      const { ready = new Map(), others = new Map() } = backings.get(key) ?? {};
      const candidates: ReadonlyMap<string, Identity> = ready.size > 0 ? ready : others;
      if (candidates.size > 1) this.#ambiguous++;
      const [only] = candidates.values();
      const known = candidates.size === 0 ? this.#last.get(key) : only;
      const identity = known === undefined || candidates.size > 1 ? ownName(namespace, name) : known;
      if (known !== undefined) last.set(key, identity);
      for (const address of addresses) claims.add(address, identity, NO_POD);
    }
    this.#last = last;
  }
}

function backingOf(backings: Map<string, Backing>, key: string): Backing {
  let backing = backings.get(key);
  if (backing === undefined) {
    backing = { ready: new Map(), others: new Map() };
    backings.set(key, backing);
  }
  return backing;
}

/** The name of a service for itself: no workload's name has a slash. */
function ownName(namespace: string, name: string): Identity {
  return { namespace, service: `service/${name}` };
}

function identityKey({ namespace, service }: Identity): string {
  return `${namespace}\0${service}`;
}

/** What was claimed of each address, with a port or without. */
class Claims {
  readonly #claims = new Map<string, Claim>();

  add(address: PeerAddress, identity: Identity, createdAt: number): void {
    const key = address.port === undefined ? address.bytes : `${address.bytes}:${address.port}`;
    const known = this.#claims.get(key);
    if (known !== undefined && known.createdAt > createdAt) return;
    const disputed =
      known?.createdAt === createdAt &&
      (known.identity === undefined || identityKey(known.identity) !== identityKey(identity));
    this.#claims.set(key, { address, createdAt, identity: disputed ? undefined : identity });
  }

  targets(): readonly Target[] {
    const targets = new Map<string, Target & { readonly addresses: PeerAddress[] }>();
    for (const { address, identity } of this.#claims.values()) {
      if (identity === undefined) continue;
      const key = identityKey(identity);
      const known = targets.get(key);
      if (known === undefined) targets.set(key, peerTarget(identity, address));
      else known.addresses.push(address);
    }
    return [...targets.values()];
  }
}

function peerTarget({ namespace, service }: Identity, address: PeerAddress) {
  const here = { cgroup: undefined, monitored: true, workloadKind: '', node: '' };
  return { namespace, service, pod: service, addresses: [address], ...here };
}
