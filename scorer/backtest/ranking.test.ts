import { describe, expect, it } from 'vitest';
import { hitsOf } from './ranking.ts';

describe('hitsOf', () => {
  it('counts the first, third and fifth place; no ranking is a miss', () => {
    const faults = [
      { key: 'a', ranking: ['a', 'b'] },
      { key: 'a', ranking: ['b', 'c', 'a'] },
      { key: 'a', ranking: ['b', 'c', 'd', 'e', 'a'] },
      { key: 'a', ranking: undefined },
    ];
    expect(hitsOf(faults)).toEqual({ at_1: 0.25, at_3: 0.5, at_5: 0.75 });
    expect(hitsOf([]).at_1).toBeNaN();
  });
});
