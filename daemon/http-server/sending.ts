import type { ServerResponse } from 'node:http';
import { refusals } from '../refusals/refusals.ts';

export interface SendingLimits {
  readonly pages: number;
  readonly bytes: number;
}

/** Prometheus reads a page within milliseconds. */
export const DEFAULT_SENDING: SendingLimits = { pages: 10, bytes: 64 * 2 ** 20 };

/**
 * The pages that clients have not read yet, which stay in memory until then. Beyond a limit, those that are being sent
 * longest are cut, so that slow readers neither fill the memory nor keep others waiting.
 */
export class SendingPages {
  readonly #limits: SendingLimits;
  /** In the order of their start. */
  readonly #pages = new Map<ServerResponse, number>();
  #bytes = 0;

  constructor(limits: SendingLimits = DEFAULT_SENDING) {
    this.#limits = limits;
  }

  /** Call before the page of `bytes` is sent. The newest page is never cut. */
  add(response: ServerResponse, bytes: number): void {
    this.#pages.set(response, bytes);
    this.#bytes += bytes;
    response.once('close', () => this.#remove(response));
    for (const oldest of this.#pages.keys()) {
      if (oldest === response) return;
      if (this.#pages.size <= this.#limits.pages && this.#bytes <= this.#limits.bytes) return;
      refusals.add('unread');
      oldest.destroy();
      this.#remove(oldest);
    }
  }

  #remove(response: ServerResponse): void {
    this.#bytes -= this.#pages.get(response) ?? 0;
    this.#pages.delete(response);
  }
}
