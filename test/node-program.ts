import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';
import { expect } from 'vitest';

/** Runs a program and returns the number that it prints. @param folder that its imports are relative to */
export async function numberPrintedBy(program: string, folder: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: program, resolveDir: folder, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  const text = outputFiles[0]?.text ?? '';
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], { encoding: 'utf8' });
  // V8 reports unknown flags here.
  expect(stderr).toBe('');
  return Number(stdout);
}

/** Calls many functions about as often as hours of work do, and prints by how much the machine code has grown. */
export const CALLS_OF_HOURS = `
import { setTimeout as pause } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
const size = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'code_space').space_used_size;
const before = size();
const functions = Array.from({ length: 1000 }, (_, index) => new Function('x', 'return x.a + ' + index + ' + String(x.b).length'));
let sum = 0;
for (let turn = 0; turn < 10; turn++) {
  for (const one of functions) for (let call = 0; call < 500; call++) sum += one({ a: call, b: turn });
  await pause(10);
}
process.stdout.write(String(size() - before));
`;
