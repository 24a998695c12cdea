import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { ConfigError } from '../../daemon/config-file.ts';
import { type FuzzTarget, inputOf, problemOf, renderFailure, SECRET } from './fuzz.ts';
import { TARGETS_OF_FUZZING } from './targets.ts';

/** Always the same inputs; npm run test:fuzz tries others. */
const INPUTS = 400;

describe.each(TARGETS_OF_FUZZING.map((target) => [target.name, target] as const))(
  'the parser of %s',
  (name, target) => {
    it(
      `takes or refuses ${INPUTS} changed examples, in few words and without their secrets`,
      { timeout: 120_000 },
      () => {
        for (let seed = 0; seed < INPUTS; seed++) {
          const problem = problemOf(target, inputOf(target, seed));
          if (problem !== undefined) expect.fail(renderFailure(target, seed, problem));
        }
      },
    );

    const corpus = join('test/fuzz/corpus', name);
    const failed = existsSync(corpus) ? readdirSync(corpus) : [];
    it.each(failed)('takes or refuses what it once failed on: %s', (input) => {
      expect(problemOf(target, readFileSync(join(corpus, input)))).toBeUndefined();
    });
  },
);

const refusing = (parse: () => unknown): FuzzTarget => ({
  name: 'x',
  examples: ['a: 1'],
  parse,
  errors: [ConfigError],
});

test.each<[string, () => unknown, RegExp]>([
  ['another error', () => (null as unknown as { a: string }).a, /^threw TypeError/],
  ['a long message', () => refuse('x'.repeat(3000)), /^a message of 3000/],
  ['a secret', () => refuse(`got "${SECRET}"`), /^printed a secret/],
  ['no message', () => refuse(''), /^an empty message/],
])('%s is found', (_what, parse, problem) => {
  expect(problemOf(refusing(parse), Buffer.from(''))).toMatch(problem);
});

test('a seed stands for one input', () => {
  for (const target of TARGETS_OF_FUZZING) {
    const inputs = Array.from({ length: 50 }, (_, seed) => inputOf(target, seed).toString('hex'));
    expect(Array.from({ length: 50 }, (_, seed) => inputOf(target, seed).toString('hex'))).toEqual(inputs);
    expect(new Set(inputs).size).toBeGreaterThan(40);
  }
});

test('examples are valid, but for the secrets that no parser takes', () => {
  for (const { name, examples, parse } of TARGETS_OF_FUZZING) {
    if (name === 'web') continue;
    for (const example of examples) expect(() => parse(Buffer.from(example)), name).not.toThrow();
  }
});

function refuse(message: string): never {
  throw new ConfigError(message);
}
