import { expect, it } from 'vitest';
import { RacingExporter } from './exporter.ts';
import { race } from './races.ts';
import { RacingScorer } from './scorer.ts';

/** The same things each time, if not at the same moments; `npm run test:long -- races` goes on for longer. */
const SHORT = { times: 12, seed: 1 };

it('the exporter survives what happens at random moments', { timeout: 120_000 }, async () => {
  const exporter = new RacingExporter();
  try {
    expect(await race(exporter, SHORT)).toMatchObject({ times: SHORT.times });
  } finally {
    exporter.remove();
  }
});

it('the scorer survives what happens at random moments', { timeout: 120_000 }, async () => {
  const scorer = await RacingScorer.open();
  try {
    expect(await race(scorer, SHORT)).toMatchObject({ times: SHORT.times });
  } finally {
    await scorer.remove();
  }
});
