import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningAlertmanager, startAlertmanager } from '../../testserver/alertmanager.ts';
import { INSTALLED_RELEASE } from '../../testserver/prometheus-releases.ts';
import { until } from '../../until.ts';
import { Bench } from '../bench.ts';
import { LearningFleet, SERVICES, untilScored } from '../learning-fleet.ts';
import { keeps, record } from '../table/keeps.ts';

const bench = new Bench();
let fleet: LearningFleet;
let alertmanager: RunningAlertmanager;
beforeAll(async () => {
  fleet = await LearningFleet.start();
  alertmanager = await startAlertmanager(INSTALLED_RELEASE.alertmanager);
}, 120_000);
afterAll(async () => {
  bench.remove();
  await alertmanager?.stop();
  await fleet?.stop();
});

async function silence(service: string): Promise<void> {
  const matcher = (name: string, value: string) => ({ name, value, isRegex: false, isEqual: true });
  const body = {
    matchers: [matcher('service', service), matcher('expected', 'yes')],
    startsAt: new Date().toISOString(),
    endsAt: new Date(Date.now() + 3_600_000).toISOString(),
    createdBy: 'test',
    comment: 'test',
  };
  const answer = await fetch(`${alertmanager.url}/api/v2/silences`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

it(
  'a scorer whose Alertmanager is killed uses the silences that it knew, and reads them again once it is back',
  { timeout: 400_000, ...keeps('alertmanager_killed') },
  async () => {
    const extra = `expected: { alertmanager: { url: '${alertmanager.url}' } }\n`;
    const scorer = await bench.start('scorer', [`--config.file=${fleet.configure(bench, { extra })}`]);
    await untilScored(scorer);
    const [cart = ''] = SERVICES;
    const marks = (sinceMs: number) => fleet.timesOf(`anomaly_expected{service="${cart}"}`, sinceMs);
    const untilMarked = (count: number, sinceMs: number) =>
      until('marks', async () => (await marks(sinceMs)).length >= count, {
        timeoutMs: 30_000,
        periodMs: 100,
        seen: () => scorer.log.slice(-10).join('\n'),
      });
    const KILLS = 3;
    for (let kills = 1; kills <= KILLS; kills++) {
      await silence(cart);
      await untilMarked(1, Date.now());
      await alertmanager.crash();
      const failed = () => scorer.logged('silences query failed, using the last result') === kills;
      await until('the failure to be logged', failed, { timeoutMs: 30_000, periodMs: 50 });
      await untilMarked(3, Date.now());
      await alertmanager.restart();
      const works = () => scorer.logged('silences query works again') === kills;
      await until('the query to work again', works, { timeoutMs: 30_000, periodMs: 50 });
    }
    expect(await scorer.value('lorikeet_scorer_cycles_failed_total')).toBe(0);
    record({ kills: KILLS });
    await scorer.stop();
  },
);
