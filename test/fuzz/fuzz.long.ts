import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { standardOutput } from '../../daemon/streams/line-output.ts';
import { LONG_RUN } from '../long-run/settings.ts';
import { type FuzzTarget, inputOf, problemOf, renderFailure } from './fuzz.ts';
import { TARGETS_OF_FUZZING } from './targets.ts';

const { minutes = 10, seed: first = Date.now() % 2 ** 31, inputs = Infinity, target: only } = LONG_RUN;
const targets = TARGETS_OF_FUZZING.filter(({ name }) => only === undefined || name === only);

/** Failures of one target that are enough to look at. */
const MAX_FAILURES = 5;

/** The input goes to the corpus, so that each later run of the tests tries it. */
function keep(target: FuzzTarget, seed: number): string {
  const input = inputOf(target, seed);
  const folder = join('test/fuzz/corpus', target.name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 12));
  writeFileSync(path, input);
  return path;
}

test.each(targets.map((target) => [target.name, target] as const))('the parser of %s', (name, target) => {
  const end = Date.now() + (minutes * 60_000) / targets.length;
  const failures: string[] = [];
  let seed = first;
  for (; seed < first + inputs && Date.now() < end && failures.length < MAX_FAILURES; seed++) {
    const problem = problemOf(target, inputOf(target, seed));
    if (problem !== undefined) failures.push(`${keep(target, seed)}: ${renderFailure(target, seed, problem)}`);
  }
  standardOutput.write(`${name}: ${seed - first} inputs from seed ${first}\n`);
  if (failures.length > 0) expect.fail(failures.join('\n\n'));
});
