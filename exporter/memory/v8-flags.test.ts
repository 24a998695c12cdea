import { expect, it } from 'vitest';
import { CALLS_OF_HOURS, numberPrintedBy } from '../../test/node-program.ts';

/** Lets megabytes survive, as the first scrape does, and prints the size of the space for young objects. */
const NEW_SPACE = `
import { getHeapSpaceStatistics } from 'node:v8';
const kept = [];
for (let index = 0; index < 400_000; index++) kept.push({ index });
const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
process.stdout.write(String(space.space_size + (kept.length - kept.length)));
`;

/** Keeps some objects forever and others until they are old, and prints the maximum size of the heap. */
const MAX_USED = `
import { getHeapStatistics } from 'node:v8';
const kept = Array.from({ length: 60_000 }, (_, index) => ({ index, name: 'n'.repeat(20) + index }));
const turns = [];
let max = 0;
for (let turn = 0; turn < 1500; turn++) {
  turns.push(Array.from({ length: 500 }, (_, index) => ({ index, turn })));
  if (turns.length > 60) turns.shift();
  max = Math.max(max, getHeapStatistics().used_heap_size);
}
process.stdout.write(String(max + (kept.length - kept.length)));
`;

/** Code that collects old objects like V8 itself. */
const YOUNG_ONLY =
  "import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts'; keepYoungGenerationSmall();";

const FLAGS = "import './v8-flags.ts';";

/** What a program prints that starts with `first`. */
const bytes = (first: string, rest: string): Promise<number> => numberPrintedBy(first + rest, import.meta.dirname);

it('keeps the space for young objects small', async () => {
  const small = await bytes(FLAGS, NEW_SPACE);
  expect(small).toBeLessThanOrEqual(2 * 2 ** 20);
  expect(await bytes('', NEW_SPACE)).toBeGreaterThan(4 * small);
});

it('collects old objects before they take megabytes', async () => {
  const max = await bytes(FLAGS, MAX_USED);
  expect(max).toBeLessThan(0.8 * (await bytes(YOUNG_ONLY, MAX_USED)));
});

it('compiles little machine code for functions that are not hot', async () => {
  const little = await bytes(FLAGS, CALLS_OF_HOURS);
  // V8 itself compiles more or less of it, as its timers have it.
  expect(little).toBeLessThan(0.1 * (await bytes('', CALLS_OF_HOURS)));
});
