import { describe, expect, it } from 'vitest';
import { renderPlain, renderProgress } from './view.ts';

const row = (service: string, score: number, rank = NaN) => ({ service, rate: 12.34, latency: 0.0256, score, rank });

describe('renderProgress', () => {
  it('shows phase, bar and a row for each service within the width', () => {
    const rows = [row('cart', 2.5, 1), row('ad', 0.1), { ...row('new', NaN), rate: NaN, latency: NaN }];
    const lines = renderProgress({ phase: 'learning', share: 0.5, seconds: 7, rows }, 120);
    expect(lines[0]).toBe(`7 s  learning  [${'#'.repeat(20)}${'.'.repeat(20)}]`);
    expect(lines[3]).toMatch(/^cart +12\.3 +25\.6 ms +2\.50  #{13}\.{7}  ANOMALOUS  root cause 1$/);
    expect(lines[4]).not.toContain('ANOMALOUS');
    expect(lines[5]).toMatch(/^new +- +- +-  \.{20}$/);
    expect(renderProgress({ phase: 'x', share: 1, seconds: 0, rows }, 30).every((line) => line.length <= 30)).toBe(
      true,
    );
  });
});

describe('renderPlain', () => {
  it('names the three highest scores', () => {
    const rows = [row('a', 0.1), row('b', 3), row('c', 0.5), row('d', 0.2)];
    expect(renderPlain({ phase: 'watching', share: undefined, seconds: 65.4, rows })).toBe(
      '[ 65 s] watching  highest scores: b 3.00, c 0.50, d 0.20',
    );
  });
});
