/** Exponential backoff with jitter after `attempt` >= 1 failures: doubles up to `maxMs`; its upper half is random. */
export function backoffMs(attempt: number, minMs: number, maxMs: number, random: () => number = Math.random): number {
  const full = Math.min(maxMs, minMs * 2 ** (attempt - 1));
  return full / 2 + (full / 2) * random();
}

/** A longer one overflows Node.js' timers, which then fire at once. */
const MAX_PAUSE_MS = 2 ** 31 - 1;

/** Resolves after `ms`, at most 24 days, or as soon as `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.min(ms, MAX_PAUSE_MS));
    signal.addEventListener('abort', done, { once: true });
  });
}
