import { expect, test } from 'vitest';
import { architecturePicture, misplaced, widthOf } from './architecture-picture.ts';

const BOX = { x: 20, y: 20, width: 100, height: 50 };
const text = (x: number, y: number, words: string) => ({ style: 'text', x, y, text: words }) as const;

test('every text of the picture has its room', () => {
  expect(architecturePicture()).toContain('>anomaly_root_cause_rank</text>');
});

// Measured with DejaVu Sans.
test.each([
  ['text', 'recording rules', 90.7],
  ['text', 'cgroup → pod → service', 142.6],
  ['label', 'score > 1', 55.4],
  ['title', 'Alertmanager', 108.6],
] as const)('the width of %s "%s" is not underestimated', (style, words, pixels) => {
  expect(widthOf({ style, text: words })).toBeGreaterThanOrEqual(pixels);
  expect(widthOf({ style, text: words })).toBeLessThan(1.15 * pixels);
});

test.each([
  ['a text that fits', [text(30, 40, 'scorer')], []],
  ['one too long for its box', [text(30, 40, 'a text of many words')], ['a text of many words']],
  ['one too near the border', [text(22, 40, 'scorer')], ['scorer']],
  ['one that runs into a box', [text(0, 40, 'scorer')], ['scorer']],
  ['one that leaves the picture', [text(950, 40, 'scorer')], ['scorer']],
  ['two over each other', [text(30, 40, 'one'), text(35, 45, 'two')], ['one', 'two']],
])('of %s: %#', (_, texts, expected) => {
  expect(misplaced(texts, [BOX])).toEqual(expected);
});
