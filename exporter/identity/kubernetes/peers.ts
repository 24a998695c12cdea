import type { PeerAddress } from '../addresses.ts';
import type { Endpoints } from './endpoints.ts';
import { OwnerTable } from './owner-table.ts';
import type { LocalPod } from './pod.ts';
import { identityOf, type Identity } from './service-identity.ts';
import type { VirtualService } from './service.ts';

/** Who is known to be where. */
export interface PeerObjects {
  /** This machine's. */
  readonly local: Iterable<LocalPod>;
  /** The pods of all machines by their keys. */
  readonly pods: ReadonlyMap<string, Identity>;
  readonly services: ReadonlyMap<string, VirtualService>;
  readonly slices: Iterable<Endpoints>;
}

/** What is behind a service: the workload whose pods are ready, and that of the others. */
interface Backing {
  ready: Identity | undefined;
  others: Identity | undefined;
}

/** Stands for more than one workload. */
const SEVERAL = identityOf('', '', 0);

/** The services behind addresses at one moment. */
export interface PeerTable {
  /** `bytes` are the 16 bytes of the address as a latin1 string. */
  find(bytes: string, port: number): Identity | undefined;
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

  resolve({ local, pods, services, slices }: PeerObjects): PeerTable {
    const owners = new OwnerTable();
    const localAddresses = new Set<string>();
    for (const pod of local) {
      for (const address of pod.addresses) {
        owners.add(address, pod);
        if (address.port === undefined) localAddresses.add(address.bytes);
      }
    }
    const backings = new Map<string, Backing>();
    for (const { service, own, endpoints } of slices) {
      const backing = backingOf(backings, service);
      for (const { addresses, pod, ready } of endpoints) {
        const identity = pod === undefined ? own : pods.get(pod);
        // The endpoint comes before its pod, or goes after it.
        if (identity === undefined) continue;
        if (ready) backing.ready = together(backing.ready, identity);
        else backing.others = together(backing.others, identity);
        // A pod of this machine is known better, and has all ports.
        for (const address of addresses) if (!localAddresses.has(address.bytes)) owners.add(address, identity);
      }
    }
    const virtual = this.#resolveServices(services, backings);
    return { find: (bytes, port) => owners.find(bytes, port) ?? virtual.find(bytes, port) };
  }

  #resolveServices(services: ReadonlyMap<string, VirtualService>, backings: ReadonlyMap<string, Backing>): OwnerTable {
    const table = new OwnerTable();
    const last = new Map<string, Identity>();
    this.#ambiguous = 0;
    for (const [key, { own, addresses }] of services) {
      const backing = backings.get(key);
      const behind = backing?.ready ?? backing?.others ?? this.#last.get(key);
      if (behind === SEVERAL) this.#ambiguous++;
      const known = behind === SEVERAL ? own : behind;
      if (known !== undefined) last.set(key, known);
      for (const address of addresses) claim(table, address, known ?? own);
    }
    this.#last = last;
    return table;
  }
}

/** However old the workload behind it: two services that have one address contradict each other. */
function claim(table: OwnerTable, address: PeerAddress, { namespace, service, key }: Identity): void {
  table.add(address, { namespace, service, key, createdAt: 0 });
}

function together(known: Identity | undefined, identity: Identity): Identity {
  return known === undefined || known.key === identity.key ? identity : SEVERAL;
}

function backingOf(backings: Map<string, Backing>, key: string): Backing {
  let backing = backings.get(key);
  if (backing === undefined) {
    backing = { ready: undefined, others: undefined };
    backings.set(key, backing);
  }
  return backing;
}
