/** As many requests at once as `burst`, then one each `intervalMs`. */
export interface RateLimit {
  readonly intervalMs: number;
  readonly burst: number;
}

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
const NUMBER = String.raw`(?:\d+(?:\.\d*)?|\.\d+)`;
const UNIT = `(?:${Object.keys(UNITS_MS).join('|')})`;
const DURATION = new RegExp(`^(?:${NUMBER}${UNIT})+$`);
const PART = new RegExp(`(${NUMBER})(${UNIT})`, 'g');

/** Milliseconds of a duration in Go's notation, such as `1.5s`, `1h30m` or `0`; undefined if `text` is invalid. */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!DURATION.test(text)) return undefined;
  return [...text.matchAll(PART)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (UNITS_MS[unit] ?? 0),
    0,
  );
}

/** A token bucket, full at the start, as of Go's golang.org/x/time/rate, which exporter-toolkit uses. */
export class TokenBucket {
  readonly limit: RateLimit;
  readonly #now: () => number;
  #tokens: number;
  #filledAt: number;

  /** @param now milliseconds of a monotonic clock */
  constructor(limit: RateLimit, now: () => number = () => performance.now()) {
    this.limit = limit;
    this.#now = now;
    this.#tokens = limit.burst;
    this.#filledAt = now();
  }

  /** Takes a token. @returns 0, or without a token the milliseconds until there is one. */
  take(): number {
    const { intervalMs, burst } = this.limit;
    const now = this.#now();
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#filledAt) / intervalMs);
    this.#filledAt = now;
    if (this.#tokens < 1) return (1 - this.#tokens) * intervalMs;
    this.#tokens--;
    return 0;
  }
}

/** Clients with a bucket of their own at a time, those that asked last. */
const MAX_BUCKETS = 4096;

/** A bucket for each client, so that one who asks too often uses up nobody else's tokens. */
export class RateLimiter {
  /** By client, the one that asked last at the end. */
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #now: () => number;

  /** @param now milliseconds of a monotonic clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Takes a token of `client`. @returns 0, or without a token the milliseconds until there is one */
  take(limit: RateLimit, client: string): number {
    const known = this.#buckets.get(client);
    const isSame = known?.limit.intervalMs === limit.intervalMs && known.limit.burst === limit.burst;
    const bucket = isSame ? known : new TokenBucket(limit, this.#now);
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= MAX_BUCKETS) break;
      this.#buckets.delete(oldest);
    }
    return bucket.take();
  }
}
