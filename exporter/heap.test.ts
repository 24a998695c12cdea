import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** Lets megabytes survive, as the first scrape does, and prints the size of the space for young objects. */
const PROGRAM = `
import { getHeapSpaceStatistics } from 'node:v8';
const kept = [];
for (let index = 0; index < 400_000; index++) kept.push({ index });
const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
process.stdout.write(String(space.space_size + (kept.length - kept.length)));
`;

async function newSpaceBytes(first: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `${first}${PROGRAM}`, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const program = outputFiles[0]?.text ?? '';
  return Number(execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }));
}

it('keeps the space for young objects small, which grows without it', async () => {
  const small = await newSpaceBytes("import './heap.ts';");
  expect(small).toBeLessThanOrEqual(2 * 2 ** 20);
  expect(await newSpaceBytes('')).toBeGreaterThan(4 * small);
});
