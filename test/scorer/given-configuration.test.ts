import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RunningProgram, serving } from '../running-program.ts';
import { until } from '../until.ts';
import { FedScorer } from './fed-scorer.ts';

let fed: FedScorer;
let scorer: RunningProgram;
beforeAll(async () => {
  fed = await FedScorer.open();
  scorer = await RunningProgram.start(serving('scorer', fed.flags), { cwd: fed.folder });
}, 60_000);
afterAll(async () => {
  await scorer?.kill();
  await fed?.clear();
});

it('learns with the configuration in use, whatever has become of its files', { timeout: 120_000 }, async () => {
  appendFileSync(fed.configFile, 'interval: [\n');
  writeFileSync(join(fed.folder, 'features.yaml'), 'windows: [1s]\nfeatures: [{ name: other, expr: "m[$window]" }]\n');
  const before = scorer.logged('msg=learned');
  const seen = () => scorer.log.slice(-10).join('\n');
  // One that is under way may have read the files before they changed.
  await until('it learns twice', () => scorer.logged('msg=learned') >= before + 2, { timeoutMs: 90_000, seen });
  expect(scorer.log.filter((line) => /learning failed|not usable|not used/.test(line))).toEqual([]);
  expect(await scorer.value('lorikeet_scorer_services{state="scored"}')).toBe(3);
});
