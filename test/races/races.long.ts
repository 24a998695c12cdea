import { test } from 'vitest';
import { standardOutput } from '../../daemon/streams/line-output.ts';
import { LONG_RUN } from '../long-run/settings.ts';
import { RacingExporter } from './exporter.ts';
import { type Contestant, race } from './races.ts';
import { RacingScorer } from './scorer.ts';

const { times = 1000, minutes = Infinity, seed = Date.now() % 2 ** 31, only } = LONG_RUN;

const CONTESTANTS = {
  exporter: async () => new RacingExporter(),
  scorer: () => RacingScorer.open(),
} as const satisfies Record<string, () => Promise<Contestant & { remove(): void | Promise<void> }>>;

const chosen = Object.entries(CONTESTANTS).filter(([name]) => only === undefined || name === only);

test.each(chosen)(`what happens to the %s at random moments, ${times} times`, async (name, open) => {
  const contestant = await open();
  try {
    const report = await race(contestant, { times, seed, maxMs: minutes * 60_000 });
    standardOutput.write(`${name}: seed ${seed}, ${JSON.stringify(report)}\n`);
  } finally {
    await contestant.remove();
  }
});
