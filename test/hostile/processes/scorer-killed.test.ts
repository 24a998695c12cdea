import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../scorer/numeric/random.ts';
import { freePort } from '../../../scripts/free-port.ts';
import type { RunningProgram } from '../../running-program.ts';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { LearningFleet, SERVICES, untilScored } from '../learning-fleet.ts';
import { keeps, record } from '../table/keeps.ts';

const MIN_KILLS = 12;
const MAX_KILLS = 60;
const MOMENTS = ['cycle', 'learning', 'saving'] as const;
type Moment = (typeof MOMENTS)[number];

const bench = new Bench();
const random = new Random(Date.now());
let fleet: LearningFleet;
let config: string;
let address: string;
let scorer: RunningProgram;

beforeAll(async () => {
  fleet = await LearningFleet.start();
  config = fleet.configure(bench);
  address = `127.0.0.1:${await freePort()}`;
}, 60_000);
afterEach(() => scorer?.kill());
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

/** Waits for a moment of the scorer's life to begin. @returns whether it still lasts */
async function begun(moment: Moment): Promise<() => boolean> {
  if (moment === 'cycle') return () => scorer.ended() === undefined;
  if (moment === 'learning') {
    await untilLearning();
    return () => learnings().length > 0;
  }
  scorer.signal('SIGTERM');
  await until('it to stop', () => scorer.logged('msg=stopping') > 0, { periodMs: 1 });
  return () => scorer.ended() === undefined;
}

async function expectWhole(): Promise<void> {
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
    scorer = await start();
    await untilScored(scorer);
    // From its beginning on. A kill that came too late for its moment makes the next ones earlier.
    const latestMs = { cycle: 1600, learning: 1600, saving: 50 };
    const hits = { cycle: 0, learning: 0, saving: 0 };
    const areEnough = () => Object.values(hits).every((count) => count >= 2);
    let kills = 0;
    for (; kills < MIN_KILLS || (kills < MAX_KILLS && !areEnough()); kills++) {
      const moment = MOMENTS[kills % MOMENTS.length] ?? 'cycle';
      const lasts = await begun(moment);
      const afterMs = random.uniform() * latestMs[moment];
      await sleep(afterMs);
      if (lasts()) hits[moment]++;
      else latestMs[moment] = afterMs;
      await scorer.kill();
      const killedMs = Date.now();
      await until('the learning to end with its scorer', () => learnings().length === 0);
      scorer = await start();
      await expectWhole();
      const scored = async () => (await fleet.scoreTimes(killedMs)).length > 0;
      await until('a score', scored, { timeoutMs: 60_000, periodMs: 100 });
      record({ seconds: (Date.now() - killedMs) / 1000 });
    }
    record({ kills });
    expect(areEnough(), JSON.stringify(hits)).toBe(true);
  }, 600_000);

  it('whose learning is killed scores on, says so once, and learns again', async () => {
    scorer = await start();
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
    await expectWhole();
    await scorer.stop();
  }, 300_000);
});
