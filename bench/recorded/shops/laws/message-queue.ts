/** A queue of messages after some time. */
export interface Delivered {
  /** Messages that were consumed. */
  readonly consumed: number;
  /** Messages that are left. */
  readonly left: number;
}

/**
 * What consumers take from a queue: all that there is, or all that they can. Producers never wait.
 *
 * @param capacity messages per second that all consumers together can process
 */
export function deliver(before: number, published: number, capacity: number, seconds: number): Delivered {
  const consumed = Math.min(before + published, Math.floor(capacity * seconds));
  return { consumed, left: before + published - consumed };
}
