import { createHmac, randomBytes } from 'node:crypto';
import { compare, getRounds } from 'bcryptjs';
import { FairQueue } from './fair-queue.ts';

/** The format of bcrypt hashes: `$2y$10$` and 53 characters. */
export const BCRYPT_HASH = /^\$2[aby]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** Maximum number of cached results of each kind. */
const CACHE_SIZE = 128;
/** Maximum number of comparisons that wait while one runs; each takes at least 60 ms of CPU time. */
const WAITING_LIMIT = 31;

/** BUSY: not compared, because too many comparisons are waiting. */
export type PasswordVerdict = 'ACCEPTED' | 'REFUSED' | 'BUSY';

/** Who asks. */
export interface PasswordClient {
  /** Clients of one source share its turns. */
  readonly source: string;
  /** True once the client no longer waits for the verdict. */
  readonly hasLeft: () => boolean;
}

interface Comparison {
  readonly password: string;
  readonly hash: string;
  /** Those who wait for its outcome. */
  readonly clients: PasswordClient[];
  /** Undefined: not compared. */
  readonly settle: (matches: boolean | undefined) => void;
  readonly outcome: Promise<boolean | undefined>;
}

const ANYBODY: PasswordClient = { source: '', hasLeft: () => false };

/**
 * Compares passwords with bcrypt hashes, each pair once. The cache has keyed hashes, so memory contains no passwords,
 * and rejected passwords are cached separately, so that guesses cannot evict those of the scrapers. Comparisons run one
 * after another with a pause as long as each, so guesses use at most half a CPU. The sources of the clients take turns,
 * so that guesses of one don't keep the others waiting, and nothing is compared for clients that have left.
 */
export class Passwords {
  readonly #key = randomBytes(32);
  readonly #accepted = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #underWay = new Map<string, Comparison>();
  readonly #waiting = new FairQueue<Comparison>(WAITING_LIMIT);
  #isComparing = false;

  /** Compares `password` with the hash of `user` in `users`. An unknown user takes as long as a known one. */
  async check(
    users: ReadonlyMap<string, string>,
    user: string,
    password: string,
    client: PasswordClient = ANYBODY,
  ): Promise<PasswordVerdict> {
    const known = users.get(user);
    const hash = known ?? impossibleHash(users);
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, hash, password]))
      .digest('base64');
    if (this.#accepted.has(key)) return 'ACCEPTED';
    if (this.#refused.has(key)) return 'REFUSED';
    const matches = await this.#matches(key, { password, hash }, client);
    if (matches === undefined) return 'BUSY';
    const accepted = matches && known !== undefined;
    remember(accepted ? this.#accepted : this.#refused, key);
    return accepted ? 'ACCEPTED' : 'REFUSED';
  }

  /** The outcome of the comparison `key`, which may be under way already; undefined if it had to go. */
  #matches(
    key: string,
    pair: Pick<Comparison, 'password' | 'hash'>,
    client: PasswordClient,
  ): Promise<boolean | undefined> {
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) {
      underWay.clients.push(client);
      return underWay.outcome;
    }
    let settle: Comparison['settle'] = () => undefined;
    const outcome = new Promise<boolean | undefined>((resolve) => {
      settle = (matches) => {
        this.#underWay.delete(key);
        resolve(matches);
      };
    });
    const comparison = { ...pair, clients: [client], settle, outcome };
    this.#underWay.set(key, comparison);
    this.#waiting.push(client.source, comparison)?.settle(undefined);
    if (!this.#isComparing) void this.#compareAll();
    return outcome;
  }

  async #compareAll(): Promise<void> {
    this.#isComparing = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (next.clients.every(({ hasLeft }) => hasLeft())) {
        next.settle(undefined);
        continue;
      }
      const startedMs = performance.now();
      // A hash that cannot be compared matches nothing.
      next.settle(await compare(next.password, next.hash).catch(() => false));
      const tookMs = performance.now() - startedMs;
      await new Promise((resolve) => setTimeout(resolve, tookMs).unref());
    }
    this.#isComparing = false;
  }
}

/** A hash of no known password, as expensive as those of the users. */
function impossibleHash(users: ReadonlyMap<string, string>): string {
  const rounds = Math.max(4, ...[...users.values()].map(getRounds));
  return `$2b$${String(rounds).padStart(2, '0')}$${'.'.repeat(53)}`;
}

/** Sets keep insertion order, so the first is the oldest. */
function remember(keys: Set<string>, key: string): void {
  keys.add(key);
  for (const oldest of keys) {
    if (keys.size <= CACHE_SIZE) return;
    keys.delete(oldest);
  }
}
