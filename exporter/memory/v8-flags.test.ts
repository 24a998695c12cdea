import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

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

/** Prints by how much the machine code has grown since the start. */
const codeOf = (calls: string): string => `
import { setTimeout as pause } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
const size = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'code_space').space_used_size;
const before = size();
${calls}
process.stdout.write(String(size() - before));
`;

/** Calls many functions about as often as hours of scrapes do. */
const MACHINE_CODE = codeOf(`
const functions = Array.from({ length: 1000 }, (_, index) => new Function('x', 'return x.a + ' + index + ' + String(x.b).length'));
let sum = 0;
for (let turn = 0; turn < 10; turn++) {
  for (const one of functions) for (let call = 0; call < 500; call++) sum += one({ a: call, b: turn });
  await pause(10);
}
`);

/** Code that collects old objects like V8 itself. */
const YOUNG_ONLY =
  "import { keepYoungGenerationSmall } from '../../daemon/memory/young-generation.ts'; keepYoungGenerationSmall();";

/** The output of a program that starts with `first`. */
async function bytes(first: string, rest: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `${first}${rest}`, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const program = outputFiles[0]?.text ?? '';
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  // V8 reports unknown flags here.
  expect(stderr).toBe('');
  return Number(stdout);
}

it('keeps the space for young objects small', async () => {
  const small = await bytes("import './v8-flags.ts';", NEW_SPACE);
  expect(small).toBeLessThanOrEqual(2 * 2 ** 20);
  expect(await bytes('', NEW_SPACE)).toBeGreaterThan(4 * small);
});

it('collects old objects before they take megabytes', async () => {
  const max = await bytes("import './v8-flags.ts';", MAX_USED);
  expect(max).toBeLessThan(0.8 * (await bytes(YOUNG_ONLY, MAX_USED)));
});

it('compiles little machine code for functions that are not hot', async () => {
  const little = await bytes("import './v8-flags.ts';", MACHINE_CODE);
  // V8 itself compiles more or less of it, as its timers have it.
  expect(little).toBeLessThan(0.1 * (await bytes('', MACHINE_CODE)));
});
