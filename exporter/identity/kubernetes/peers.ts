import type { PeerAddress } from '../peers/addresses.ts';
import type { Endpoints } from './objects/endpoints.ts';
import { OwnerTable } from './owner-table.ts';
import type { LocalPod } from './objects/pod.ts';
import { identityOf, type Identity } from './objects/service-identity.ts';
import type { VirtualService } from './objects/service.ts';

/** The objects from which peers are resolved. */
export interface PeerObjects {
  /** Pods of this machine. */
  readonly local: Iterable<LocalPod>;
  /** The pods of all machines by their keys. */
  readonly pods: ReadonlyMap<string, Identity>;
  readonly services: ReadonlyMap<string, VirtualService>;
  readonly slices: Iterable<Endpoints>;
}

/** Workloads behind a service: that of the ready pods, and that of the others. */
interface Backing {
  ready: Identity | undefined;
  others: Identity | undefined;
}

/**
 * Time in which the pods behind a new service are expected to become known, in milliseconds: it and its endpoints are watched
 * apart, and either may come first. Counts wait so long for a name, because they keep it.
 */
export const NAMING_MS = 20_000;

/** More than one workload. */
const SEVERAL = identityOf('', '', 0);

/** A snapshot of the services behind addresses. */
export interface PeerTable {
  /** `bytes` are the 16 bytes of the address as a latin1 string. */
  find(bytes: string, port: number): Identity | undefined;
}

/**
 * Resolves the workload behind an address of a pod, an endpoint or a service. If several pods have had an address, the
 * newest wins. A service's address resolves to the workload behind it. With several workloads, or none with pods, it
 * resolves to the service itself, `service/<name>`, a name that no workload can have; that of a new service is pending until
 * its pods are known, for `NAMING_MS` at most.
 */
export class Peers {
  /** The last workload behind each service: calls to a service without endpoints are attributed to it. */
  #last = new Map<string, Identity>();
  /** When each service without a workload was first resolved, in milliseconds; undefined before the first resolution. */
  #unnamedSince: Map<string, number> | undefined;
  #ambiguous = 0;
  #isWaiting = false;

  /** Services with more than one workload behind them at the last resolution. */
  get ambiguous(): number {
    return this.#ambiguous;
  }

  /** True if the last resolution has pending names. They are settled by a resolution `NAMING_MS` later. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** `now` is in milliseconds. */
  resolve({ local, pods, services, slices }: PeerObjects, now: number): PeerTable {
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
        // An endpoint may appear before its pod, or disappear after it.
        if (identity === undefined) continue;
        if (ready) backing.ready = together(backing.ready, identity);
        else backing.others = together(backing.others, identity);
        // For pods of this machine the exporter has all ports.
        for (const address of addresses) if (!localAddresses.has(address.bytes)) owners.add(address, identity);
      }
    }
    const virtual = this.#resolveServices(services, backings, now);
    return { find: (bytes, port) => owners.find(bytes, port) ?? virtual.find(bytes, port) };
  }

  #resolveServices(
    services: ReadonlyMap<string, VirtualService>,
    backings: ReadonlyMap<string, Backing>,
    now: number,
  ): OwnerTable {
    const table = new OwnerTable();
    const last = new Map<string, Identity>();
    const unnamedSince = new Map<string, number>();
    this.#ambiguous = 0;
    this.#isWaiting = false;
    for (const [key, { own, addresses }] of services) {
      const backing = backings.get(key);
      const behind = backing?.ready ?? backing?.others ?? this.#last.get(key);
      if (behind === SEVERAL) this.#ambiguous++;
      const known = behind === SEVERAL ? own : behind;
      // The first resolution knows everything there is.
      const since = this.#unnamedSince === undefined ? -Infinity : (this.#unnamedSince.get(key) ?? now);
      if (known !== undefined) last.set(key, known);
      else unnamedSince.set(key, since);
      const pending = known === undefined && now - since < NAMING_MS;
      this.#isWaiting ||= pending;
      for (const address of addresses) claim(table, address, known ?? { ...own, pending });
    }
    this.#last = last;
    this.#unnamedSince = unnamedSince;
    return table;
  }
}

/** Regardless of the age of the workload: two services with the same address are a conflict. */
function claim(table: OwnerTable, address: PeerAddress, { namespace, service, key, pending }: Identity): void {
  table.add(address, { namespace, service, key, createdAt: 0, pending });
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
