import { describe, expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

function drain(queue: FairQueue<string>): string[] {
  const jobs: string[] = [];
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) jobs.push(job);
  return jobs;
}

describe('FairQueue', () => {
  it('takes the sources in turn, each in its order', () => {
    const queue = new FairQueue<string>(10);
    for (const job of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) expect(queue.push(job[0] ?? '', job)).toBeUndefined();
    expect(queue.size).toBe(6);
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
    expect(queue.size).toBe(0);
  });

  it('drops the newest job of the source with most of them when it is full', () => {
    const queue = new FairQueue<string>(3);
    for (const job of ['a1', 'a2', 'a3']) queue.push('a', job);
    expect(queue.push('a', 'a4')).toBe('a4');
    expect(queue.push('b', 'b1')).toBe('a3');
    // Two of a, one of b: neither takes a place from the other.
    expect(queue.push('b', 'b2')).toBe('b2');
    expect(queue.push('c', 'c1')).toBe('a2');
    expect(queue.push('d', 'd1')).toBe('d1');
    expect(drain(queue)).toEqual(['a1', 'b1', 'c1']);
  });

  it('is in turn again after it was empty', () => {
    const queue = new FairQueue<string>(2);
    queue.push('a', 'a1');
    expect(drain(queue)).toEqual(['a1']);
    queue.push('a', 'a2');
    expect(drain(queue)).toEqual(['a2']);
  });
});
