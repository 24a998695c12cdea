import type { Collector } from './collector.ts';
import { readId } from './identity/directory.ts';

/** `struct listener_row` of bpf/tcp.h. */
const ROW_BYTES = 24;
const PORT = 8;
const LENGTH = 16;
const LIMIT = 20;

/** A socket that is listened on. */
export interface Listener {
  readonly cgroup: bigint;
  readonly port: number;
  /** Connections that wait to be accepted. */
  readonly length: number;
  /** How many may wait. */
  readonly limit: number;
}

/**
 * The pass over all open sockets that precedes the collectors of each scrape: it samples round-trip times into the
 * kernel's maps and gives the listening sockets. It happens off the event loop.
 */
export class SocketWalk implements Collector {
  readonly name = 'sockets';
  readonly #walk: (() => Promise<Buffer>) | undefined;
  #running: Promise<void> | undefined;
  #listening: readonly Listener[] = [];

  /** `walk` gives packed rows; undefined where sockets can't be walked. */
  constructor(walk: (() => Promise<Buffer>) | undefined) {
    this.#walk = walk;
  }

  /** The listening sockets at the last walk. */
  get listening(): readonly Listener[] {
    return this.#listening;
  }

  /** Scrapes that overlap share a walk. */
  async collect(): Promise<void> {
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    await this.#running;
  }

  async #run(): Promise<void> {
    this.#listening = [];
    if (this.#walk !== undefined) this.#listening = parseListeners(await this.#walk());
  }
}

/** Rows of `struct listener_row`, packed. */
export function parseListeners(rows: Buffer): readonly Listener[] {
  return Array.from({ length: rows.length / ROW_BYTES }, (_, index) => {
    const start = index * ROW_BYTES;
    return {
      cgroup: readId(rows, start),
      port: rows.readUInt16LE(start + PORT),
      length: rows.readUInt32LE(start + LENGTH),
      limit: rows.readUInt32LE(start + LIMIT),
    };
  });
}
