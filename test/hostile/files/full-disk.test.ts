import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freePort } from '../../../scripts/free-port.ts';
import { until } from '../../until.ts';
import { Bench, LONELY_SCORER } from '../bench.ts';
import { LearningFleet, untilScored } from '../learning-fleet.ts';
import { keeps } from '../table/keeps.ts';

let bench: Bench;
let clean: (() => void) | undefined;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => {
  clean?.();
  clean = undefined;
  bench.remove();
});

/** A file system without space, at a folder of the bench. `filler` takes the space. */
function fullDisk(name: string, size = '64k'): string {
  const folder = join(bench.folder, name);
  mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, `lorikeet-${process.pid}`, folder]);
  clean = () => void execFileSync('umount', [folder]);
  mkdirSync(join(folder, 'models'));
  const { bavail, bsize } = statfsSync(folder);
  writeFileSync(join(folder, 'filler'), Buffer.alloc(bavail * bsize));
  return folder;
}

test(
  'the scorer works with a state directory on a full disk, and says which file it could not write',
  keeps('full_disk'),
  async () => {
    const state = fullDisk('state');
    const config = bench.write('scorer.yaml', LONELY_SCORER);
    const scorer = await bench.start('scorer', [`--config.file=${config}`]);
    expect(await scorer.isHealthy()).toBe(true);
    await scorer.stop();
    for (const file of ['seasons.json', 'gone.json']) {
      const named = scorer.log.filter((line) => line.includes(`error="${join(state, 'models', file)}: not writable:`));
      expect(named, file).toHaveLength(1);
      expect(named[0]).toContain('ENOSPC');
    }
    expect(readdirSync(join(state, 'models'))).toEqual([]);
  },
);

test(
  'a scorer whose disk is full while it learns says so once, works with what it has, and learns once there is space',
  { timeout: 300_000, ...keeps('full_disk') },
  async () => {
    const state = fullDisk('state', '4m');
    const fleet = await LearningFleet.start();
    try {
      const scorer = await bench.start('scorer', [`--config.file=${fleet.configure(bench)}`]);
      const seen = () => scorer.log.slice(-10).join('\n');
      const failed = () => scorer.logged('learning failed, retrying later') > 0;
      await until('learning to fail', failed, { timeoutMs: 120_000, seen });
      const named = scorer.log.filter((line) => line.includes('learning failed'));
      expect(named[0]).toContain(join(state, 'models'));
      expect(named[0]).toContain('ENOSPC');
      const lastCycle = () => scorer.value('lorikeet_scorer_last_cycle_timestamp_seconds');
      const then = await lastCycle();
      await until('cycles', async () => (await lastCycle()) >= then + 3, { periodMs: 100, seen });
      expect(scorer.logged('learning failed')).toBe(1);
      rmSync(join(state, 'filler'));
      await untilScored(scorer);
      expect(scorer.logged('learning works again')).toBe(1);
      await scorer.stop();
    } finally {
      await fleet.stop();
    }
  },
);

test('the scorer works while its standard error is a full disk', keeps('full_disk'), async () => {
  const config = bench.write('scorer.yaml', LONELY_SCORER);
  const address = `127.0.0.1:${await freePort()}`;
  const scorer = bench.launch('scorer', [`--config.file=${config}`], { address, shell: 'exec 2>/dev/full' });
  await vi.waitFor(async () => expect((await fetch(`http://${address}/-/healthy`)).status).toBe(200), 20_000);
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  expect(metrics).toContain('lorikeet_scorer_');
  await scorer.stop();
});

test.each([
  [
    'a result in a file',
    ['rules', '--output=/dev/full'],
    '',
    '/dev/full: not writable: ENOSPC: no space left on device',
  ],
  [
    'a result on standard output',
    ['rules'],
    'exec >/dev/full',
    'cannot write to standard output: ENOSPC: no space left on device, write',
  ],
])(
  '%s that a full disk does not take ends a command with one clear line',
  keeps('full_disk'),
  (_what, args, shell, message) => {
    const { status, stderr } = bench.run('scorer', args, shell);
    expect(status).toBe(1);
    expect(stderr).toBe(`lorikeet-scorer: ${message}\n`);
  },
);

test(
  'a scorer that may open few files ends with one line that names one, or works, and never replaces its state',
  keeps('few_files'),
  async () => {
    const config = bench.write('scorer.yaml', LONELY_SCORER);
    const args = [`--config.file=${config}`];
    await (await bench.start('scorer', args)).stop();
    const models = join(bench.folder, 'state/models');
    const saved = readdirSync(models).toSorted();
    expect(saved).toEqual(['changes.json', 'gone.json', 'seasons.json']);
    let ended = 0;
    for (let files = 19; files <= 26; files++) {
      const failure = await bench.start('scorer', args, { shell: `ulimit -n ${files}` }).then(
        async (running) => {
          await running.stop();
          return undefined;
        },
        (error: unknown) => (error as Error).message,
      );
      expect(readdirSync(models).filter((name) => name.endsWith('.unusable'))).toEqual([]);
      // With fewer, it is Node.js that cannot read the program.
      if (failure === undefined || failure.includes('node:')) continue;
      ended++;
      expect(failure.split('\n').at(-1)).toMatch(/lorikeet-scorer: .*(ulimit -n|EMFILE)/);
    }
    expect(ended).toBeGreaterThan(0);
  },
);
