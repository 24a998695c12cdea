import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { EDGE_SERIES } from '../../scorer/features/features.ts';
import type { Sample } from '../../scorer/output/remote-write/sample.ts';
import { INTERVAL_START_SERIES } from '../../scorer/series.ts';
import { SeriesLedger } from '../../scorer/output/samples.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { describeWith } from '../skips/describe-with.ts';
import { VICTORIA_METRICS, VMALERT } from '../skips/needs.ts';
import { type RunningAlertmanager, startAlertmanager } from '../testserver/alertmanager.ts';
import { startProgram } from '../testserver/prometheus.ts';
import { INSTALLED_RELEASE } from '../testserver/prometheus-releases.ts';
import { startVictoriaMetrics } from '../testserver/victoria-metrics.ts';
import { until } from '../until.ts';

/**
 * A tenth of the default times, in seconds; of the latency a half, as VictoriaMetrics takes its time to make new series
 * visible whatever the offset, the more of it on a busy machine.
 */
const TIME = { evaluation: 3, hold: 9, latencyOffset: 15, groupWait: 3, cycle: 6 } as const;

describeWith([VICTORIA_METRICS, VMALERT], 'the alerts in vmalert', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-vmalert-'));
  const stops: (() => void | Promise<void>)[] = [() => rmSync(folder, { recursive: true, force: true })];
  let alertmanager: RunningAlertmanager;
  let situation: Situation = 'calm';

  beforeAll(async () => {
    const alerts = readFileSync('rules/services.alerts.yaml', 'utf8').replaceAll('90s', `${TIME.hold}s`);
    expect(alerts).toContain(`for: ${TIME.hold}s`);
    writeFileSync(join(folder, 'alerts.yaml'), alerts);
    alertmanager = await startAlertmanager(INSTALLED_RELEASE.alertmanager, { wait: `${TIME.groupWait}s` });
    stops.push(() => alertmanager.stop());
    const victoria = await startVictoriaMetrics([`-search.latencyOffset=${TIME.latencyOffset}s`]);
    stops.push(() => victoria.stop());
    const listen = `127.0.0.1:${await freePort()}`;
    const vmalert = await startProgram(
      'vmalert',
      [
        `-rule=${join(folder, 'alerts.yaml')}`,
        '-rule=rules/generated/lorikeet.rules.yaml',
        ...['datasource', 'remoteWrite', 'remoteRead'].map((use) => `-${use}.url=${victoria.url}`),
        '-remoteWrite.flushInterval=500ms',
        `-notifier.url=${alertmanager.url}`,
        `-evaluationInterval=${TIME.evaluation}s`,
        // An alert ends four times as long after it was sent last: also on a busy machine it doesn't by itself.
        '-rule.resendDelay=10s',
        `-httpListenAddr=${listen}`,
      ],
      `http://${listen}/health`,
    );
    stops.push(() => vmalert.kill());
    play(`${victoria.url}/api/v1/write`);
  });
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  /** Acts as the scorer: writes the scores and causes of a cycle, and ends series that are no longer there. */
  function play(url: string): void {
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 2000 });
    const writer = new RemoteWriter({ url, http, logger: createLogger({ write: () => undefined }) });
    const ledger = new SeriesLedger();
    const write = () => {
      const timestampMs = Date.now();
      void writer.write(ledger.withStaleMarkers(samplesOf(situation, timestampMs), timestampMs));
    };
    const timer = setInterval(write, TIME.cycle * 1000);
    stops.push(async () => {
      clearInterval(timer);
      await writer.close(0);
      await http.close();
    });
  }

  const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

  const statuses = () => alertmanager.notifications.flatMap(({ alerts }) => alerts).map(({ status }) => status);

  it('make a cascade one page, also when the first service of it dies', { timeout: 300_000 }, async () => {
    await seconds(3 * TIME.evaluation);
    situation = 'cascade';
    const { firing, notifications } = alertmanager;
    const patience = { timeoutMs: 60_000, periodMs: 200, seen: () => JSON.stringify(notifications) };
    await until('a page', () => firing().length > 0, patience);
    await seconds(5 * TIME.evaluation);
    expect(new Set(firing())).toEqual(new Set(['on-call: RootCauseIdentified critical']));
    const text = notifications[0]?.alerts[0]?.annotations['description'];
    for (const severity of ['ServiceAnomalous', 'ServiceSeverelyAnomalous']) {
      const descriptions = (await alertmanager.descriptions(severity)).join('\n');
      expect(descriptions).toContain('Called by shop/front (request latency 250ms, request rate 12/s).');
    }
    expect(text).toContain('Suspects: shop/cart (80% of the blame), shop/front (20% of the blame).');

    situation = 'death';
    const isTold = async () =>
      (await alertmanager.descriptions('RootCauseIdentified')).join('\n').includes('Gone: shop/cart');
    await until('the death to be told', isTold, patience);
    await seconds(3 * TIME.evaluation);
    expect(new Set(firing())).toEqual(new Set(['on-call: RootCauseIdentified critical']));
    expect(statuses()).not.toContain('resolved');

    situation = 'calm';
    await until('it resolves', () => statuses().includes('resolved'), patience);
    await seconds(3 * TIME.evaluation);
    expect(new Set(firing())).toEqual(new Set(['on-call: RootCauseIdentified critical']));
  });
});

type Situation = 'calm' | 'cascade' | 'death';

/** Scores and causes as the scorer writes them. */
function samplesOf(situation: Situation, timestampMs: number): Sample[] {
  const services = [
    { service: 'cart', detector: situation === 'death' ? 'gone' : 'autoencoder', score: 4.5, blame: 0.8 },
    { service: 'front', detector: 'autoencoder', score: 1.8, blame: 0.2 },
  ];
  const ends = { client_namespace: 'shop', client_service: 'front', server_namespace: 'shop', server_service: 'cart' };
  const call = (feature: string, value: number): Sample => ({
    name: EDGE_SERIES,
    labels: { ...ends, feature },
    value,
    timestampMs,
  });
  const calls = [call('request_latency', 0.25), call('request_rate', 12)];
  const scores = services.flatMap(({ service, detector, score, blame }, index) => {
    const sample = (name: string, value: number, labels: Readonly<Record<string, string>> = {}): Sample => ({
      name,
      labels: { namespace: 'shop', service, ...labels },
      value,
      timestampMs,
    });
    if (situation === 'calm') return [sample('anomaly_score', 0.2, { detector })];
    return [
      sample('anomaly_score', score, { detector }),
      sample('anomaly_root_cause_score', blame),
      sample('anomaly_root_cause_rank', index + 1),
      ...(detector === 'gone' ? [sample(INTERVAL_START_SERIES, timestampMs / 1000, { detector })] : []),
    ];
  });
  return [...calls, ...scores];
}
