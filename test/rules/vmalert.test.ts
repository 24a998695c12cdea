import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../../scripts/free-port.ts';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { describeWith } from '../skips/describe-with.ts';
import { VICTORIA_METRICS, VMALERT } from '../skips/needs.ts';
import { type RunningAlertmanager, startAlertmanager } from '../testserver/alertmanager.ts';
import { startProgram } from '../testserver/prometheus.ts';
import { INSTALLED_RELEASE } from '../testserver/prometheus-releases.ts';
import { startVictoriaMetrics } from '../testserver/victoria-metrics.ts';
import { until } from '../until.ts';

/** All times of the rules and of VictoriaMetrics are a tenth of what they are by default, in seconds. */
const TIME = { evaluation: 3, hold: 9, latencyOffset: 3, groupWait: 3, cycle: 6 } as const;
const SCORES = { cart: 4.5, front: 1.8 } as const;

describeWith([VICTORIA_METRICS, VMALERT], 'the alerts in vmalert', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-vmalert-'));
  const stops: (() => void | Promise<void>)[] = [() => rmSync(folder, { recursive: true, force: true })];
  let alertmanager: RunningAlertmanager;
  let score: (service: keyof typeof SCORES) => number = () => 0.2;

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

  /** Acts as the scorer: writes scores and causes each cycle. */
  function play(url: string): void {
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 2000 });
    const writer = new RemoteWriter({ url, http, logger: createLogger({ write: () => undefined }) });
    const write = () => {
      const timestampMs = Date.now();
      const samples = (['cart', 'front'] as const).flatMap((service, index) => {
        const labels = { namespace: 'shop', service };
        const value = score(service);
        const own = { name: 'anomaly_score', labels: { ...labels, detector: 'autoencoder' }, value, timestampMs };
        if (value <= 1) return [own];
        const cause = { name: 'anomaly_root_cause_score', labels, value: index === 0 ? 0.8 : 0.2, timestampMs };
        return [own, cause, { ...cause, name: 'anomaly_root_cause_rank', value: index + 1 }];
      });
      void writer.write(samples);
    };
    const timer = setInterval(write, TIME.cycle * 1000);
    stops.push(async () => {
      clearInterval(timer);
      await writer.close(0);
      await http.close();
    });
  }

  const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000));

  it('a cascade is one page', { timeout: 120_000 }, async () => {
    await seconds(3 * TIME.evaluation);
    score = (service) => SCORES[service];
    const { firing } = alertmanager;
    await until('a page', () => firing().length > 0, { timeoutMs: 60_000, periodMs: 200, seen: () => '' });
    await seconds(5 * TIME.evaluation);
    expect(new Set(firing())).toEqual(new Set(['on-call: RootCauseIdentified critical']));
    const text = alertmanager.notifications[0]?.alerts[0]?.annotations['description'];
    expect(text).toContain('Suspects: shop/cart (80% of the blame), shop/front (20% of the blame).');
  });
});
