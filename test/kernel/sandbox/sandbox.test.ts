import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withSandbox, type Sandbox } from './sandbox.ts';

test('a sandbox is removed after a failure, with programs that still run', async () => {
  const forgotten = spawn('sleep', ['60']);
  const ended = once(forgotten, 'exit');
  let left: Sandbox | undefined;
  const failing = withSandbox(async (sandbox) => {
    left = sandbox;
    writeFileSync(join(sandbox.childCgroup('child').path, 'cgroup.procs'), String(forgotten.pid));
    await Promise.reject(new Error('the test failed'));
  });
  await expect(failing).rejects.toThrow('the test failed');
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(existsSync(left?.cgroup.path ?? '/')).toBe(false);
  expect(existsSync(`/run/netns/${left?.netns}`)).toBe(false);
});
