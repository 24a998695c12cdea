import { describe, expect, it } from 'vitest';
import { rangePrArea, softLabels, vusPr } from './vus-pr.ts';

describe('softLabels', () => {
  it('falls off by the root of the distance within half the buffer, the nearer fault counting', () => {
    // sqrt(1 - 1/4) = 0.8660, sqrt(1 - 2/4) = 0.7071
    const rounded = [...softLabels([0, 0, 0, 1, 0, 0, 0, 0], 4)].map((value) => Math.round(value * 1e4) / 1e4);
    expect(rounded).toEqual([0, 0.7071, 0.866, 1, 0.866, 0.7071, 0, 0]);
    expect([...softLabels([1, 0, 0, 1], 2)].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([
      1, 0.7071, 0.7071, 1,
    ]);
    expect([...softLabels([0, 1, 0], 0)]).toEqual([0, 1, 0]);
  });
});

describe('rangePrArea', () => {
  it('is the step-wise area under precision and recall without a buffer', () => {
    // By falling score: hit (recall 1/2 of the points, 1 of 1 events), miss, hit: 0.5 x 1 + 0.5 x 2/3.
    expect(rangePrArea([{ scores: [0.9, 0.5, 0.7, 0.1], labels: [1, 1, 0, 0] }], 0)).toBeCloseTo(
      0.5 + 0.5 * (2 / 3),
      12,
    );
  });

  it('damps recall by the share of the faults that are touched', () => {
    // Two faults of one step: the first hit has recall 1/2 and touches half of them, 1/4; the second all: 1.
    expect(rangePrArea([{ scores: [0.9, 0, 0.8], labels: [1, 0, 1] }], 0)).toBeCloseTo(0.25 * 1 + 0.75 * 1, 12);
    expect(rangePrArea([{ scores: [0.9, 0.85, 0.8], labels: [1, 0, 1] }], 0)).toBeCloseTo(0.25 + 0.75 * (2 / 3), 12);
  });

  it('takes equal scores as one step, and leaves out what was not scored', () => {
    expect(rangePrArea([{ scores: [0.5, 0.5, NaN], labels: [1, 0, 0] }], 0)).toBeCloseTo(0.5, 12);
    expect(rangePrArea([{ scores: [0.5], labels: [0] }], 0)).toBeNaN();
  });
});

describe('vusPr', () => {
  it('is the mean over the buffers, 1 for a perfect score of a sharp fault only without one', () => {
    const series = [{ scores: [0, 0, 0, 1, 0, 0, 0], labels: [0, 0, 0, 1, 0, 0, 0] }];
    expect(vusPr(series, 0)).toBeCloseTo(1, 12);
    expect(vusPr(series, 2)).toBeCloseTo(
      (rangePrArea(series, 0) + rangePrArea(series, 1) + rangePrArea(series, 2)) / 3,
      12,
    );
    // Buffer 2: soft sum 1 + 2 x 0.7071, positives (1 + 2.4142) / 2 = 1.7071. The hit has recall 1 / 1.7071 at precision 1, all
    // others at once reach recall 1 at precision 2.4142 / 7.
    expect(rangePrArea(series, 2)).toBeCloseTo(1 / 1.70711 + (1 - 1 / 1.70711) * (2.41421 / 7), 4);
  });
});
