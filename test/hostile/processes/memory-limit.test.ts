import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RunningProgram } from '../../running-program.ts';
import { describeWith } from '../../skips/describe-with.ts';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { type Connection, hangUp } from '../clients/connection.ts';
import { readNothing, startLargePage } from '../clients/large-page.ts';
import { LearningFleet, untilScored } from '../learning-fleet.ts';
import { keeps, record } from '../table/keeps.ts';
import { MEMORY_CGROUP, MemoryCgroup } from './memory-cgroup.ts';

const MIB = 2 ** 20;

interface Workload {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly containers: readonly { readonly resources: { readonly limits: { memory: string } } }[];
      };
    };
  };
}

/** The memory limit of the first container of a manifest, in MiB. */
function limitOf(manifest: string): number {
  const [workload] = loadAll(readFileSync(manifest, 'utf8')) as Workload[];
  const text = workload?.spec.template.spec.containers[0]?.resources.limits.memory ?? '';
  const [, number, unit] = /^(\d+)(Mi|Gi)$/.exec(text) ?? [];
  return Number(number) * (unit === 'Gi' ? 1024 : 1);
}

let bench: Bench;
const cgroups: MemoryCgroup[] = [];
beforeEach(() => {
  bench = new Bench();
});
afterEach(async () => {
  await bench.clear();
  for (const cgroup of cgroups.splice(0)) await cgroup.remove();
});

function limited(mebibytes: number): MemoryCgroup {
  const cgroup = new MemoryCgroup(mebibytes * MIB);
  cgroups.push(cgroup);
  return cgroup;
}

/** Tries smaller and smaller limits. @returns the smallest at which `works`, in MiB */
async function smallestOf(limits: readonly number[], works: (limit: number) => Promise<boolean>): Promise<number> {
  let smallest = Infinity;
  for (const limit of limits) {
    if (!(await works(limit))) break;
    smallest = limit;
  }
  return smallest;
}

/** True once it listens; false if the kernel killed it. @throws Error if it ended in another way */
async function survives(program: RunningProgram): Promise<boolean> {
  return await program.listening().then(
    () => true,
    async (error: unknown) => {
      if ((await program.exited) !== 'SIGKILL') throw error;
      return false;
    },
  );
}

describeWith([MEMORY_CGROUP], 'lorikeet-exporter', () => {
  it(
    'serves slow readers of a page of 7 MB within its limit',
    { timeout: 120_000, ...keeps('exporter_memory') },
    async () => {
      const limit = limitOf('manifests/base/exporter/daemonset.yaml');
      const cgroup = limited(limit);
      const page = await startLargePage(bench, { shell: cgroup.enter });
      try {
        const slow: Connection[] = [];
        for (let reader = 0; reader < 30; reader++) {
          slow.push(await readNothing(page.exporter));
          expect((await page.exporter.get('/metrics')).status).toBe(200);
        }
        hangUp(slow);
        expect([cgroup.kills, page.exporter.ended()]).toEqual([0, undefined]);
        record({ limit, peak: cgroup.peakBytes / MIB });
      } finally {
        await page.stop();
      }
    },
  );

  it(
    'starts within a quarter of its limit, and is killed at once where it cannot',
    keeps('exporter_memory'),
    async () => {
      const smallest = await smallestOf([96, 80, 72, 64, 56, 48, 40, 32], async (limit) => {
        const exporter = bench.launch('exporter', [], { shell: limited(limit).enter });
        return (await survives(exporter)) && (await exporter.get('/metrics')).status === 200;
      });
      record({ smallest });
      expect(smallest).toBeLessThanOrEqual(limitOf('manifests/base/exporter/daemonset.yaml') / 4);
      expect(smallest).toBeGreaterThan(32);
    },
  );
});

describeWith([MEMORY_CGROUP], 'lorikeet-scorer', () => {
  let fleet: LearningFleet;
  beforeAll(async () => {
    fleet = await LearningFleet.start();
  }, 60_000);
  afterAll(async () => await fleet?.stop());

  const start = (cgroup: MemoryCgroup) =>
    bench.launch('scorer', [`--config.file=${fleet.configure(bench)}`], { shell: cgroup.enter });

  it('learns within its limit', { timeout: 300_000, ...keeps('scorer_memory') }, async () => {
    const limit = limitOf('manifests/base/scorer/statefulset.yaml');
    const cgroup = limited(limit);
    const scorer = start(cgroup);
    await scorer.listening();
    await untilScored(scorer);
    await until('it to learn', () => scorer.logged('msg=learned') > 0, { timeoutMs: 120_000 });
    expect([cgroup.kills, scorer.ended()]).toEqual([0, undefined]);
    record({ limit, peak: cgroup.peakBytes / MIB });
    await scorer.stop();
  });

  it(
    'learns within a third of its limit; with less the kernel kills the learning or the scorer, and its state stays whole',
    { timeout: 600_000, ...keeps('scorer_memory') },
    async () => {
      const smallest = await smallestOf([336, 288, 256, 224, 192, 160, 128, 96], async (limit) => {
        const cgroup = limited(limit);
        const scorer = start(cgroup);
        if (!(await survives(scorer))) return false;
        const failures = () => scorer.value('lorikeet_scorer_training_failures_total').catch(() => 0);
        await until(
          'it to learn, or not',
          async () => scorer.ended() !== undefined || scorer.logged('msg=learned') > 0 || (await failures()) > 0,
          { timeoutMs: 120_000, periodMs: 100, seen: () => scorer.log.slice(-10).join('\n') },
        );
        const hasLearned = scorer.logged('msg=learned') > 0;
        if (!hasLearned) expect(cgroup.kills).toBeGreaterThan(0);
        if (!hasLearned && scorer.ended() === undefined)
          expect(scorer.logged('learning failed, retrying later')).toBe(1);
        await scorer.kill();
        return hasLearned;
      });
      record({ smallest });
      expect(smallest).toBeLessThanOrEqual(limitOf('manifests/base/scorer/statefulset.yaml') / 3);
      const models = join(bench.folder, 'state/models');
      expect(readdirSync(models).filter((name) => name.endsWith('.unusable'))).toEqual([]);
      const scorer = await bench.start('scorer', [`--config.file=${join(bench.folder, 'scorer.yaml')}`]);
      await untilScored(scorer);
      expect(scorer.log.join('\n')).not.toContain('not used');
      await scorer.stop();
    },
  );
});
