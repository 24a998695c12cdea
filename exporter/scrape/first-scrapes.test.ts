import { describe, expect, it } from 'vitest';
import { FirstScrapes, PLAIN_VIEW, type Counts } from './first-scrapes.ts';

const SECOND = 1000;
const A = '10.0.0.1 Prometheus';
const B = '10.0.0.2 Prometheus';

/** Five events since `since`. */
const five = (since: number): Counts => ({ words: Float64Array.of(5), since });

/** The value of `account` in a whole scrape. */
function scrape(scrapes: FirstScrapes, name: string | undefined, now: number, account: Counts): number | undefined {
  const view = scrapes.begin(name, now);
  const value = view.counts(account)[0];
  view.finish();
  return value;
}

describe('the counts of a new series', () => {
  it('are 0 in its first scrape, and complete from the next on', () => {
    const scrapes = new FirstScrapes();
    const account = five(0);
    expect([0, 15, 30].map((at) => scrape(scrapes, A, at * SECOND, account))).toEqual([0, 5, 5]);
  });

  it('are 0 in the first scrape of each scraper', () => {
    const scrapes = new FirstScrapes();
    const [old, account] = [five(0), five(16 * SECOND)];
    for (const [name, at] of [[A, 0] as const, [B, 7] as const]) scrape(scrapes, name, at * SECOND, old);
    const values = [[A, 20] as const, [A, 21] as const, [B, 22] as const, [B, 37] as const];
    expect(values.map(([name, at]) => scrape(scrapes, name, at * SECOND, account))).toEqual([0, 5, 0, 5]);
  });

  it('are complete for people, whose look changes nothing for scrapers', () => {
    const scrapes = new FirstScrapes();
    scrape(scrapes, A, 0, five(0));
    const account = five(SECOND);
    expect(scrape(scrapes, undefined, 2 * SECOND, account)).toBe(5);
    expect(scrape(scrapes, A, 15 * SECOND, account)).toBe(0);
    expect(scrape(scrapes, A, 30 * SECOND, account)).toBe(5);
  });

  it('are 0 again if the scraper did not get the first scrape', () => {
    const scrapes = new FirstScrapes();
    scrape(scrapes, A, 0, five(0));
    const account = five(SECOND);
    scrapes.begin(A, 15 * SECOND).counts(account);
    expect(scrape(scrapes, A, 30 * SECOND, account)).toBe(0);
  });

  it('are complete at once if they began long before, so that hours do not look like a burst', () => {
    const scrapes = new FirstScrapes();
    expect(scrape(scrapes, A, 7200 * SECOND, five(0))).toBe(5);
    expect(scrape(scrapes, A, 7215 * SECOND, five(60 * SECOND))).toBe(5);
    expect(scrape(scrapes, B, 7220 * SECOND, five(7200 * SECOND))).toBe(0);
    // Silent for an hour: everything that began meanwhile is old.
    expect(scrape(scrapes, A, 10_800 * SECOND, five(7300 * SECOND))).toBe(5);
  });

  it('hide nothing in a plain view', () => {
    expect(PLAIN_VIEW.counts(five(0))[0]).toBe(5);
    expect(PLAIN_VIEW.isSettled(five(0))).toBe(true);
  });
});

describe('an account is settled', () => {
  it('once every scraper has had its counts', () => {
    const scrapes = new FirstScrapes();
    const account = five(0);
    const settled = (): boolean => scrapes.begin(undefined, 40 * SECOND).isSettled(account);
    expect(settled()).toBe(true);
    scrape(scrapes, A, 0, account);
    scrape(scrapes, B, 7 * SECOND, account);
    expect(settled()).toBe(false);
    scrape(scrapes, A, 15 * SECOND, account);
    expect(settled()).toBe(false);
    scrape(scrapes, B, 22 * SECOND, account);
    expect(settled()).toBe(true);
  });

  it('if nothing was counted, if nothing was withheld, and when the scraper is gone', () => {
    const scrapes = new FirstScrapes();
    scrape(scrapes, A, 400 * SECOND, five(0));
    const [idle, old, fresh]: Counts[] = [{ words: Float64Array.of(0) }, five(0), five(390 * SECOND)];
    for (const account of [idle, old, fresh]) scrape(scrapes, A, 410 * SECOND, account as Counts);
    const view = scrapes.begin(undefined, 411 * SECOND);
    expect([idle, old, fresh].map((account) => view.isSettled(account as Counts))).toEqual([true, true, false]);
    expect(scrapes.begin(undefined, 800 * SECOND).isSettled(fresh as Counts)).toBe(true);
  });
});
