/** The counts of some series. Implemented by the accounts of exporter/accounting. */
export interface Counts {
  readonly words: Float64Array;
  /** Time before the first count, in milliseconds; undefined while nothing has been counted. */
  since?: number | undefined;
  /** Number of the first scrape with these series. */
  firstScrape?: number | undefined;
  /** True if a scraper got zeros in place of the counts. */
  withheld?: boolean | undefined;
}

/** Numbers of the last scrapes of one Prometheus server. */
interface Scraper {
  last: number;
  beforeLast: number;
  /** Milliseconds. */
  at: number;
}

/** A scraper that has been silent for longer counts as new. Prometheus' own look-back, in milliseconds. */
const FORGET_MS = 300_000;

/**
 * Counts that began longer before the scraper's previous scrape are shown at once, in milliseconds: after a zero, those
 * of hours would look like a burst. Longer than Prometheus' default interval, and than Kubernetes takes to report a
 * pod.
 */
const LATE_MS = 120_000;

/** A bound on memory. */
const MAX_SCRAPERS = 32;

/** What one scrape shows of the counts. */
export interface ScrapeView {
  /** The words to show: the account's own, or zeros in a scraper's first scrape of a new series. */
  counts(account: Counts): Float64Array;
  /** True if no scraper still waits for the account's counts, so that the account may vanish with its target. */
  isSettled(account: Counts): boolean;
}

/** Shows all counts as they are. */
export const PLAIN_VIEW: ScrapeView = { counts: ({ words }) => words, isSettled: () => true };

/** The view of a scrape in progress. */
export interface StartedView extends ScrapeView {
  /** The scraper gets the response. */
  finish(): void;
}

/**
 * Prometheus' `increase` and `rate` see differences only, so whatever a series counted before its first scrape would be
 * lost to them. Each scraper therefore gets 0 when it scrapes a new series for the first time, and the counts from its
 * next scrape on.
 */
export class FirstScrapes {
  readonly #scrapers = new Map<string, Scraper>();
  readonly #zeros = new Map<number, Float64Array>();
  #scrapes = 0;

  /**
   * @param name identifies the scraper; undefined if the request comes from no Prometheus server: it gets all counts
   * @param now milliseconds
   */
  begin(name: string | undefined, now: number): StartedView {
    const number = ++this.#scrapes;
    this.#forget(now);
    const scraper = name === undefined ? undefined : this.#scrapers.get(name);
    // Other scrapes may end during this one: it shows all of an account, or nothing.
    const [seen, oldest, complete] = [scraper?.last ?? -1, (scraper?.at ?? now) - LATE_MS, this.#completeUpTo()];
    return {
      counts: (account) => {
        const { words, since } = account;
        account.firstScrape ??= number;
        if (name === undefined || account.firstScrape <= seen || since === undefined || since < oldest) return words;
        account.withheld = true;
        return this.#zerosOf(words.length);
      },
      isSettled: ({ since, firstScrape, withheld }) => {
        if (since === undefined || this.#scrapers.size === 0) return true;
        return firstScrape !== undefined && (withheld !== true || firstScrape <= complete);
      },
      finish: () => {
        if (name !== undefined) this.#finish(name, number, now);
      },
    };
  }

  #finish(name: string, number: number, at: number): void {
    const known = this.#scrapers.get(name);
    if (known !== undefined) Object.assign(known, { last: number, beforeLast: known.last, at });
    else if (this.#scrapers.size < MAX_SCRAPERS) this.#scrapers.set(name, { last: number, beforeLast: -1, at });
  }

  #forget(now: number): void {
    for (const [name, { at }] of this.#scrapers) if (now - at > FORGET_MS) this.#scrapers.delete(name);
  }

  /** Series up to this scrape have been shown with their counts to all scrapers. */
  #completeUpTo(): number {
    return Math.min(...[...this.#scrapers.values()].map(({ beforeLast }) => beforeLast));
  }

  #zerosOf(length: number): Float64Array {
    let zeros = this.#zeros.get(length);
    if (zeros === undefined) this.#zeros.set(length, (zeros = new Float64Array(length)));
    return zeros;
  }
}
