/** A listening socket. */
export interface ListeningSocket {
  readonly cgroup: bigint;
  readonly port: number;
  /** Inode of its network namespace. */
  readonly netns: number;
}

/** Answers that are remembered; a process that tries all ports asks for 65,535. */
const MAX_ASKED = 65_536;

/**
 * The cgroups that listen behind loopback addresses. Each network namespace has a loopback of its own, so a port there
 * belongs to whoever listens on it in the same namespace. After the last one stops, the port remains theirs.
 */
export class LoopbackListeners {
  #cgroups = new Map<string, bigint[]>();
  readonly #asked = new Map<string, readonly bigint[]>();
  #version = 0;

  /** Changes when an earlier result of `find` is no longer right. */
  get version(): number {
    return this.#version;
  }

  /** Replaces all listening sockets. */
  update(listening: Iterable<ListeningSocket>): void {
    const cgroups = new Map<string, bigint[]>();
    for (const { cgroup, port, netns } of listening) {
      const key = `${netns}:${port}`;
      const known = cgroups.get(key);
      if (known === undefined) cgroups.set(key, [cgroup]);
      else if (!known.includes(cgroup)) known.push(cgroup);
    }
    this.#cgroups = cgroups;
    for (const [key, before] of this.#asked) {
      const now = cgroups.get(key);
      if (now === undefined || (now.length === before.length && now.every((id) => before.includes(id)))) continue;
      this.#asked.set(key, now);
      this.#version++;
    }
  }

  /** The cgroups that listen on a port, or did last. */
  find(netns: number, port: number): readonly bigint[] {
    const key = `${netns}:${port}`;
    const found = this.#asked.get(key) ?? this.#cgroups.get(key) ?? [];
    if (this.#asked.size >= MAX_ASKED) this.#asked.clear();
    this.#asked.set(key, found);
    return found;
  }
}
