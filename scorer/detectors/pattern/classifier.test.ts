import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../numeric/random.ts';
import { PatternClassifier } from './classifier.ts';
import { augment, drawShape, normalise, PATTERN_LENGTH, rises, SHAPES } from './shapes.ts';
import { PATTERN_TRAINING, readPatterns, SHIPPED_PATTERNS, trainPatterns } from './train.ts';

const quick = { ...PATTERN_TRAINING, epochs: 40, batch: 50, examples: 150, seed: 3 };

describe('normalise', () => {
  it('puts series of any length and height into 0..1, the anomaly upwards', () => {
    const step = Float64Array.from({ length: 200 }, (_, i) => (i < 100 ? 5 : 9));
    const drop = step.map((value) => 20 - value);
    expect(rises(step)).toBe(true);
    expect(rises(drop)).toBe(false);
    expect(normalise(step)).toHaveLength(PATTERN_LENGTH);
    expect(normalise(drop)).toEqual(normalise(step));
    expect([...normalise(step).slice(0, 2), ...normalise(step).slice(-2)]).toEqual([0, 0, 1, 1]);
    expect([...normalise([3, 3, 3])].every((value) => value === 0)).toBe(true);
  });
});

describe('a classifier', () => {
  let classifier: PatternClassifier;
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-pattern-'));
  beforeAll(async () => {
    classifier = await PatternClassifier.open(await trainPatterns(SHIPPED_PATTERNS, quick));
  }, 120_000);
  afterAll(async () => {
    await classifier.close();
    rmSync(folder, { recursive: true });
  });

  it('names shapes that it has not seen, rising and falling', async () => {
    const random = new Random(99);
    let right = 0;
    const count = 30;
    for (const shape of SHAPES) {
      const drawn = Array.from({ length: count }, () => augment(drawShape(shape, random), random, 0.02));
      const found = await classifier.classify(drawn);
      right += found.filter(({ pattern }) => pattern === shape).length;
    }
    expect(right / (count * SHAPES.length)).toBeGreaterThan(0.85);
  });

  it("learns a user's own patterns from a few examples", async () => {
    const path = join(folder, 'patterns.yaml');
    const saw = Array.from({ length: 48 }, (_, i) => (i < 12 ? 0 : (i % 12) / 12));
    const bump = Array.from({ length: 48 }, (_, i) => Math.exp(-((i - 30) ** 2) / 30));
    writeFileSync(
      path,
      JSON.stringify({
        patterns: [
          { name: 'saw', examples: [saw] },
          { name: 'bump', examples: [bump] },
        ],
      }),
    );
    const own = await PatternClassifier.open(await trainPatterns(readPatterns(path), quick));
    const found = await own.classify([saw.map((value) => 100 - 30 * value), bump.map((value) => 5 * value)]);
    expect(found.map(({ pattern }) => pattern)).toEqual(['saw', 'bump']);
    await own.close();
  }, 60_000);

  it('names what is wrong in a file of examples', () => {
    const path = join(folder, 'wrong.yaml');
    writeFileSync(path, 'patterns: [{ name: saw, examples: [[1, 2]] }]');
    expect(() => readPatterns(path)).toThrow('wrong.yaml: patterns[0].examples[0]: expected 16 values or more');
  });
});
