import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnnouncedHistory } from '../../../scorer/announced/scopes.ts';
import { addSilences, announcedNow, type Silences, SilencesClient } from '../../../scorer/announced/silences.ts';
import { alertmanagerSchema } from '../../../scorer/endpoints.ts';
import { Identity } from '../../../scorer/identity/identity.ts';
import { serviceKey } from '../../../scorer/identity/service-key.ts';
import { type RunningAlertmanager, startAlertmanager } from '../../testserver/alertmanager.ts';
import { serve } from '../../testserver/http.ts';
import { startPrometheus } from '../../testserver/prometheus.ts';
import { INSTALLED_RELEASE } from '../../testserver/prometheus-releases.ts';
import { ScorerBed } from '../running-scorer.ts';

let alertmanager: RunningAlertmanager;
beforeAll(async () => {
  alertmanager = await startAlertmanager(INSTALLED_RELEASE.alertmanager);
});
afterAll(async () => await alertmanager.stop());

/** Runs amtool, as the documentation does. @returns its output */
function amtool(...args: readonly string[]): string {
  return execFileSync('amtool', [`--alertmanager.url=${alertmanager.url}`, ...args], { encoding: 'utf8' }).trim();
}

/** Adds a silence. @returns its identifier */
function silence(...matchers: readonly string[]): string {
  return amtool('silence', 'add', ...matchers, '--comment=test', '--author=test', '--duration=1h');
}

const key = (service: string, cluster: string) => serviceKey({ namespace: 'shop', service, cluster });
const SERVICES = [key('cart', 'a'), key('ads', 'a'), key('cart', 'b')];

async function fetchSilences(url = alertmanager.url): Promise<Silences> {
  const client = new SilencesClient({
    settings: alertmanagerSchema.parse({ url }),
    identity: new Identity(['cluster']),
    external: { environment: 'prod' },
  });
  try {
    return await client.fetch();
  } finally {
    await client.close();
  }
}

describe('a silence with a matcher for the label', () => {
  const nothing: readonly string[] = [];
  it.each<[string, readonly string[], readonly string[]]>([
    ['a service', ['namespace=shop', 'service=cart', 'expected=yes'], [SERVICES[0]!, SERVICES[2]!]],
    ['a cluster', ['cluster=a', 'expected=yes'], [SERVICES[0]!, SERVICES[1]!]],
    ['whole values, by regular expression', ['service=~car|ad.', 'expected=yes'], [SERVICES[1]!]],
    ['what does not match', ['service!=cart', 'expected=yes'], [SERVICES[1]!]],
    ['what does not match the expression', ['service!~c.*', 'expected=yes'], [SERVICES[1]!]],
    ['all services', ['expected=yes'], SERVICES],
    [
      'the alert that it was made from',
      ['alertname=ServiceAnomalous', 'severity=warning', 'service=ads', 'expected=yes'],
      [SERVICES[1]!],
    ],
    ['an external label', ['environment=prod', 'service=ads', 'expected!=no'], [SERVICES[1]!]],
    ['another external label', ['environment=lab', 'expected=yes'], nothing],
  ])('announces %s', async (_, matchers, announced) => {
    const id = silence(...matchers);
    const now = announcedNow(await fetchSilences(), Date.now());
    expect(SERVICES.filter((service) => now.covers(service))).toEqual(announced);
    amtool('silence', 'expire', id);
    const later = announcedNow(await fetchSilences(), Date.now() + 1);
    expect(SERVICES.filter((service) => later.covers(service))).toEqual([]);
  });

  it('announces nothing with a label that services do not have, or an expression of Go alone', async () => {
    const ids = [silence('team=payments', 'expected=yes'), silence('service=~(?i)CART', 'expected=yes')];
    const { unusable } = await fetchSilences();
    expect(Object.fromEntries(unusable.map(({ id, reason }) => [id, reason]))).toEqual({
      [ids[0]!]: 'services have no label team',
      [ids[1]!]: 'service=~"(?i)CART" is not a regular expression that JavaScript knows',
    });
    for (const id of ids) amtool('silence', 'expire', id);
  });
});

it('ignores silences without the label, and those that are yet to begin', async () => {
  const ids = [
    silence('service=cart'),
    silence('service=cart', 'expected=yes', `--start=${inAnHour()}`, `--end=${inAnHour(2)}`),
  ];
  const now = await fetchSilences();
  expect(announcedNow(now, Date.now()).covers(SERVICES[0]!)).toBe(false);
  expect(now.unusable).toEqual([]);
  for (const id of ids) amtool('silence', 'expire', id);
});

function inAnHour(hours = 1): string {
  return new Date(Date.now() + hours * 3_600_000).toISOString();
}

it('knows at which steps silences were active', () => {
  const applies = () => true;
  const of = (fromMs: number, toMs: number) => ({ id: '', fromMs, toMs, applies });
  const stepsOf = (...expected: ReturnType<typeof of>[]) => {
    const history = new AnnouncedHistory();
    addSilences(history, { expected, unusable: [] }, { fromMs: 10_000, toMs: 20_000, intervalMs: 1000 });
    return history.stepsOf(SERVICES[0]!);
  };
  expect(stepsOf(of(12_500, 15_000))).toEqual([13, 14]);
  expect(stepsOf(of(0, 11_001), of(19_000, 90_000))).toEqual([10, 11, 19, 20]);
  expect(stepsOf(of(0, 10_000), of(20_001, 30_000))).toEqual([]);
});

it.each([
  ['a page', 200, '<html></html>', 'not a list of silences'],
  ['another list', 200, '[{"id": 1}]', 'not a list of silences'],
  ['no API', 404, 'not found', 'status 404'],
])('refuses %s', async (_, status, body, message) => {
  const server = await serve((_request, response) => {
    response.statusCode = status;
    response.end(body);
  });
  await expect(fetchSilences(server.url)).rejects.toThrow(message);
  await server.stop();
});

it(
  'makes the scorer mark a service until the silence ends, and say what it cannot use',
  { timeout: 90_000 },
  async () => {
    const prometheus = await startPrometheus({});
    const bed = new ScorerBed();
    bed.onClear(() => prometheus.stop());
    try {
      const services = ['cart', 'ads'].map((service) => ({ namespace: 'shop', service }));
      const write = `${prometheus.url}/api/v1/write`;
      bed.play(write, services);
      const ids = [silence('service=cart', 'expected=yes'), silence('team=payments', 'expected=yes')];
      const extra = `expected: { alertmanager: { url: '${alertmanager.url}' } }\n`;
      const app = await bed.scorer(bed.configure('silenced', prometheus.url, write, { extra }), services);
      await app.start();
      const marked = async () =>
        (await bed.client(prometheus.url).query('anomaly_expected', Date.now())).series.map(
          ({ labels }) => labels['service'],
        );
      await bed.until('the mark is written only for that service', marked, (keys) => keys.join() === 'cart');
      expect(bed.logged('silence not usable')).toBe(1);
      for (const id of ids) amtool('silence', 'expire', id);
      await bed.until('the mark ends', marked, (keys) => keys.length === 0);
    } finally {
      await bed.clear();
    }
  },
);
