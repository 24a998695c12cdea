import { createHmac, randomBytes } from 'node:crypto';
import { compare, getRounds } from 'bcryptjs';

/** The format of bcrypt hashes: `$2y$10$` and 53 characters. */
export const BCRYPT_HASH = /^\$2[aby]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

/** Maximum number of cached results of each kind. */
const CACHE_SIZE = 128;
/** Maximum number of waiting comparisons; each takes at least 60 ms of CPU time. */
const QUEUE_LIMIT = 32;

/** BUSY: not compared, because too many comparisons are waiting. */
export type PasswordVerdict = 'ACCEPTED' | 'REFUSED' | 'BUSY';

/**
 * Compares passwords with bcrypt hashes, each pair once. The cache has keyed hashes, so memory contains no passwords,
 * and rejected passwords are cached separately, so that guesses cannot evict those of the scrapers. Comparisons run one
 * after another with a pause as long as each, so guesses use at most half a CPU.
 */
export class Passwords {
  readonly #key = randomBytes(32);
  readonly #accepted = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #underWay = new Map<string, Promise<boolean>>();
  #last: Promise<unknown> = Promise.resolve();

  /** Compares `password` with the hash of `user` in `users`. An unknown user takes as long as a known one. */
  async check(users: ReadonlyMap<string, string>, user: string, password: string): Promise<PasswordVerdict> {
    const known = users.get(user);
    const hash = known ?? impossibleHash(users);
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, hash, password]))
      .digest('base64');
    if (this.#accepted.has(key)) return 'ACCEPTED';
    if (this.#refused.has(key)) return 'REFUSED';
    let comparison = this.#underWay.get(key);
    if (comparison === undefined) {
      if (this.#underWay.size >= QUEUE_LIMIT) return 'BUSY';
      comparison = this.#enqueue(password, hash).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, comparison);
    }
    const accepted = (await comparison) && known !== undefined;
    remember(accepted ? this.#accepted : this.#refused, key);
    return accepted ? 'ACCEPTED' : 'REFUSED';
  }

  #enqueue(password: string, hash: string): Promise<boolean> {
    const comparison = this.#last.then(() => compare(password, hash));
    const started = this.#last.then(() => performance.now());
    this.#last = Promise.allSettled([started, comparison]).then(([start]) => {
      const tookMs = start.status === 'fulfilled' ? performance.now() - start.value : 0;
      return new Promise((resolve) => setTimeout(resolve, tookMs).unref());
    });
    return comparison;
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
