import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../scorer/numeric/random.ts';
import { freePort } from '../../../scripts/free-port.ts';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { LearningFleet, SERVICES, untilScored } from '../learning-fleet.ts';
import { keeps, record } from '../table/keeps.ts';

const KILLS = 12;
/**
 * Maximum time to the kill: from the first cycle, from the start of learning, which takes as long, or from the start of
 * stopping, when the scorer saves its state.
 */
const MAX_LIFE_MS = { cycle: 1600, learning: 1600, saving: 50 } as const;

const bench = new Bench();
const random = new Random(Date.now());
let fleet: LearningFleet;
let config: string;
let address: string;

beforeAll(async () => {
  fleet = await LearningFleet.start();
  config = fleet.configure(bench);
  address = `127.0.0.1:${await freePort()}`;
}, 60_000);
afterAll(async () => {
  bench.remove();
  await fleet?.stop();
});

const start = () => bench.start('scorer', [`--config.file=${config}`], { address });

/** The running learning processes of this test. */
function learnings(): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => commandOf(pid).includes(`train\0--config.file=${config}`)).map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const untilLearning = () => until('it to learn', () => learnings().length > 0, { timeoutMs: 30_000 });

async function expectWhole(scorer: RunningProgram): Promise<void> {
  await untilScored(scorer, 60_000);
  const seen = scorer.log.join('\n');
  expect(await scorer.value('lorikeet_scorer_services{state="scored"}'), seen).toBe(SERVICES.length);
  expect(await scorer.value('lorikeet_scorer_model_damaged'), seen).toBe(0);
  expect(seen).not.toContain('not used');
  expect(seen).not.toContain('set aside');
  expect(readdirSync(join(bench.folder, 'state/models')).filter((name) => name.endsWith('.unusable'))).toEqual([]);
}

describe('a scorer', keeps('scorer_killed'), () => {
  it('that is killed while it runs, learns or saves continues with its state in the first cycle', async () => {
    let scorer = await start();
    await untilScored(scorer);
    let [whileLearning, whileSaving] = [0, 0];
    for (let kills = 0; kills < KILLS; kills++) {
      const moment = (['cycle', 'learning', 'saving'] as const)[kills % 3] ?? 'cycle';
      if (moment === 'learning') await untilLearning();
      if (moment === 'saving') {
        scorer.signal('SIGTERM');
        await until('it to stop', () => scorer.logged('msg=stopping') > 0, { periodMs: 1 });
      }
      await sleep(random.uniform() * MAX_LIFE_MS[moment]);
      whileLearning += Number(learnings().length > 0);
      whileSaving += Number(moment === 'saving' && scorer.ended() === undefined);
      await scorer.kill();
      const killedMs = Date.now();
      await until('the learning to end with its scorer', () => learnings().length === 0);
      scorer = await start();
      await expectWhole(scorer);
      const scored = async () => (await fleet.scoreTimes(killedMs)).length > 0;
      await until('a score', scored, { timeoutMs: 60_000, periodMs: 100 });
      record({ seconds: (Date.now() - killedMs) / 1000 });
    }
    record({ kills: KILLS });
    expect(Math.min(whileLearning, whileSaving)).toBeGreaterThan(0);
    await scorer.kill();
  }, 600_000);

  it('whose learning is killed scores on, says so once, and learns again', async () => {
    const scorer = await start();
    await untilScored(scorer);
    await untilLearning();
    for (const pid of learnings()) process.kill(pid, 'SIGKILL');
    const failures = () => scorer.value('lorikeet_scorer_training_failures_total');
    await until('the failure to be counted', async () => (await failures()) === 1);
    expect(scorer.logged('learning failed, retrying later')).toBe(1);
    const sinceMs = Date.now();
    const scores = async () => (await fleet.scoreTimes(sinceMs)).length >= 3;
    await until('scores', scores, { timeoutMs: 20_000, periodMs: 100 });
    await until('learning to work again', () => scorer.logged('learning works again') === 1, {
      timeoutMs: 60_000,
      seen: () => scorer.log.slice(-10).join('\n'),
    });
    await expectWhole(scorer);
    await scorer.stop();
  }, 300_000);
});
