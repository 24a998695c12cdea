import { expect, it } from 'vitest';
import { parseProgress, renderProgress } from './progress.ts';

it('reports progress to another process as lines of JSON', () => {
  const progress = { phase: 'train', share: 0.25, detail: 'epoch 15, "x"' } as const;
  expect(parseProgress(renderProgress(progress))).toEqual(progress);
});

it.each(['', 'learned 3 services', '{', '{"phase":"sing","share":0,"detail":""}', '{"phase":"train"}'])(
  'takes %j for another line',
  (line) => expect(parseProgress(line)).toBeUndefined(),
);
