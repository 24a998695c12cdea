import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import { createLogger } from '../../daemon/logger.ts';
import { ProcessMemory } from '../../daemon/memory/process-memory.ts';

const ADDON = resolve('dist/lorikeet_memory.node');
const ENGINE = realpathSync(
  createRequire(import.meta.url)
    .resolve('onnxruntime-node')
    .replace(/dist\/.*/, 'bin/napi-v6/linux/x64/libonnxruntime.so.1'),
);

/** Resident kilobytes of a mapped file. */
function residentKb(file: string): number {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return mappings
    .filter((mapping) => mapping.split('\n')[0]?.endsWith(` ${file}`))
    .reduce((sum, mapping) => sum + Number(/^Rss:\s+(\d+)/m.exec(mapping)?.[1]), 0);
}

function anonymousMb(): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

const log: string[] = [];
const memory = ProcessMemory.open(createLogger({ write: (line) => log.push(line) }));

test('most pages of the node executable and of libraries are released, and the process continues', async () => {
  const { InferenceSession } = await import('onnxruntime-node');
  const files = [realpathSync('/proc/self/exe'), ENGINE];
  const before = files.map(residentKb);
  memory.release();
  const released = files.map(residentKb);
  for (const [index, kb] of before.entries()) {
    expect(kb).toBeGreaterThan(3000);
    expect(released[index]).toBeLessThan(kb / 2);
  }
  // Compiled code, built-in functions not used before, and code of a library: all of it is in those pages.
  expect(JSON.parse(JSON.stringify({ at: new Intl.DateTimeFormat('en').format(0).length > 0 }))).toEqual({ at: true });
  await expect(InferenceSession.create(Buffer.from('no model'))).rejects.toThrow();
  memory.release();
  expect(log).toEqual([]);
});

test('freed memory is released, including between blocks in use', async () => {
  const blocks = Array.from({ length: 400 }, () => Buffer.allocUnsafeSlow(100_000).fill(1));
  const held = anonymousMb();
  const kept = blocks.filter((_, index) => index % 20 === 19);
  blocks.length = 0;
  exposedCollection()();
  // V8 frees the memory of collected buffers on a thread of its own.
  const released = () => {
    memory.release();
    return anonymousMb();
  };
  await expect.poll(released).toBeLessThan(held - 30);
  expect(kept).toHaveLength(20);
});

test('worker threads may use it and end, even at the same time', async () => {
  const script = `
    const addon = require(${JSON.stringify(ADDON)});
    addon.keepAllocatorSmall();
    for (let i = 0; i < 20; i++) {
      addon.trimAllocator();
      if (addon.releaseProgramPages() !== 0) throw new Error('refused');
    }
  `;
  const workers = Array.from({ length: 4 }, () => new Worker(script, { eval: true }));
  expect(await Promise.all(workers.map((worker) => once(worker, 'exit')))).toEqual([[0], [0], [0], [0]]);
});

describe('a bundled program', () => {
  let folder: string;
  let program: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-memory-'));
    program = join(folder, 'program.mjs');
    const contents = `
      import { createLogger } from './daemon/logger.ts';
      import { ProcessMemory } from './daemon/memory/process-memory.ts';
      const memory = ProcessMemory.open(createLogger());
      memory.release();
      memory.release();
      process.stdout.write('done');
    `;
    const stdin = { contents, resolveDir: resolve('.'), loader: 'ts' } as const;
    await build({ stdin, outfile: program, bundle: true, platform: 'node', format: 'esm' });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = () => spawnSync(process.execPath, [program], { encoding: 'utf8' });

  test('logs once that the addon is missing, and runs', () => {
    const { status, stdout, stderr } = run();
    expect([status, stdout]).toEqual([0, 'done']);
    expect(stderr.match(/level=warn/g)).toHaveLength(1);
    expect(stderr).toContain('addon not found');
  });

  test('logs why an addon for another platform cannot be loaded, and runs', () => {
    const place = join(folder, 'lorikeet_memory.node');
    writeFileSync(place, 'not for this platform');
    const { status, stdout, stderr } = run();
    rmSync(place);
    expect([status, stdout]).toEqual([0, 'done']);
    expect(stderr).toContain('cannot load the addon');
    expect(stderr).toContain('lorikeet_memory.node');
  });

  test('finds the addon in its own directory', () => {
    copyFileSync(ADDON, join(folder, 'lorikeet_memory.node'));
    expect(run()).toMatchObject({ status: 0, stdout: 'done', stderr: '' });
  });
});
