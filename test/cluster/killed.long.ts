import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bundle } from '../../scripts/bundle/bundle.mjs';
import { leftOf } from './leftovers.ts';
import { sharedState } from './shared-state.ts';
import { describeWith } from '../skips/describe-with.ts';
import { CLUSTER } from '../skips/needs.ts';

describeWith([CLUSTER], 'a cluster whose owner is killed', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-cluster-owner-'));
    await bundle({ owner: 'test/cluster/testdata/owner.ts' }, { outdir: folder });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('leaves no process, mount, network, rule, cgroup or file', async () => {
    const before = sharedState();
    const owner = spawn(process.execPath, [join(folder, 'owner.js')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const cluster = await new Promise<string>((resolve, reject) => {
      owner.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()));
      owner.once('exit', (status) => reject(new Error(`it ended with status ${status}`)));
    });
    expect(leftOf(cluster).length).toBeGreaterThan(10);
    owner.kill('SIGKILL');
    await vi.waitFor(() => expect(leftOf(cluster)).toEqual([]), { timeout: 30_000, interval: 200 });
    expect(sharedState()).toEqual(before);
  });
});
