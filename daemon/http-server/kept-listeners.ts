import type { RequestListener } from 'node:http';
import { type Listener, listen, type ListenOptions } from './listen.ts';

export type Listen = typeof listen;

interface Kept {
  readonly listener: Listener;
  /** The last one serves. */
  readonly handlers: RequestListener[];
}

/**
 * Listeners that outlive those whom they serve, so that a program can be replaced without being unreachable, and without
 * another one taking its port. Who listens on an address takes over from who listens there already, and gives it back
 * by closing; the last one to close ends the listener. Options are those of the first.
 */
export class KeptListeners {
  readonly #defaults: ListenOptions;
  readonly #kept = new Map<string, Kept>();

  /** @param defaults for the options of all listeners */
  constructor(defaults: ListenOptions = {}) {
    this.#defaults = defaults;
  }

  /** @throws UsageError, ListenError */
  readonly listen: Listen = async (handler, address, options) => {
    const kept = this.#kept.get(address) ?? (await this.#open(address, options));
    kept.handlers.push(handler);
    let closing: Promise<void> | undefined;
    return { address: kept.listener.address, close: () => (closing ??= this.#leave(address, kept, handler)) };
  };

  async #open(address: string, options?: ListenOptions): Promise<Kept> {
    const handlers: RequestListener[] = [];
    const serve: RequestListener = (request, response) => handlers.at(-1)?.(request, response);
    const listener = await listen(serve, address, { ...this.#defaults, ...options });
    const kept = { listener, handlers };
    this.#kept.set(address, kept);
    return kept;
  }

  /** Requests under way are only waited for by the last one. */
  async #leave(address: string, { listener, handlers }: Kept, handler: RequestListener): Promise<void> {
    if (handlers.length > 1) {
      handlers.splice(handlers.indexOf(handler), 1);
      return;
    }
    this.#kept.delete(address);
    await listener.close();
  }
}
