import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ServiceName } from '../../../scorer/identity/service-key.ts';
import { describeReleases } from '../../skips/describe-releases.ts';
import { type RunningAlertmanager, startAlertmanager } from '../../testserver/alertmanager.ts';
import { type RunningPrometheus, startPrometheus } from '../../testserver/prometheus.ts';
import type { PrometheusRelease } from '../../testserver/prometheus-releases.ts';
import { ScorerBed } from '../running-scorer.ts';

const name = (service: string): ServiceName => ({ namespace: 'shop', service });
const ALL = ['front', 'cart', 'db', 'mail', 'ads'].map(name);
/** Duration for which an alert is pending: a score of two cycles. */
const HOLD = '3s';
/** The shipped rules; here their groups are evaluated every second. */
const RULES = {
  'alerts.yaml': 'rules/services.alerts.yaml',
  'recording.yaml': 'rules/generated/lorikeet.rules.yaml',
};

describeReleases(testsWith);

function testsWith(release: PrometheusRelease): void {
  describe('a service that dies while it alarms', { timeout: 120_000 }, () => {
    const bed = new ScorerBed();
    /** The services that are there: changing it starts and ends them. */
    const services = [...ALL];
    let cartIsSlow = false;
    let prometheus: RunningPrometheus;
    let alertmanager: RunningAlertmanager;

    beforeAll(async () => {
      alertmanager = await startAlertmanager(release.alertmanager);
      bed.onClear(() => alertmanager.stop());
      for (const [file, rules] of Object.entries(RULES)) {
        const text = readFileSync(rules, 'utf8').replaceAll('90s', HOLD);
        writeFileSync(join(bed.folder, file), text.replaceAll(/\binterval: \d+s/g, 'interval: 1s'));
      }
      prometheus = await startPrometheus({
        program: release.prometheus,
        config: configuration(),
        flags: ['--rules.alert.resend-delay=1s'],
      });
      bed.onClear(() => prometheus.stop());
      bed.play(`${prometheus.url}/api/v1/write`, services, {
        factor: ({ service }) => (service === 'cart' && cartIsSlow ? 8 : 1),
        edges: [[name('front'), name('cart')]],
      });
    });
    afterAll(() => bed.clear());

    function configuration(): string {
      const rules = Object.keys(RULES).map((file) => join(bed.folder, file));
      const target = alertmanager.url.slice('http://'.length);
      return `global: { evaluation_interval: 1s }
rule_files: [${rules.join(', ')}]
alerting: { alertmanagers: [{ static_configs: [{ targets: ['${target}'] }] }] }
`;
    }

    const present = async (query: string) =>
      (await bed.client(prometheus.url).query(query, Date.now())).series.map(({ labels }) => labels['service'] ?? '');
    /** The services that a scorer has scored since a time: a stopped one's scores stay in Prometheus for minutes. */
    const scoredSince = (ms: number, scores = 'anomaly_score') =>
      present(`max by (service) (timestamp(${scores})) > ${ms / 1000}`);
    const gone = () => present('anomaly_score{detector="gone"} > 1');
    const first = () => present('anomaly_root_cause_rank == 1');
    const end = (...ended: readonly string[]) => {
      for (const service of ended) services.splice(services.map((one) => one.service).indexOf(service), 1);
    };

    it('stays one page and the first suspect, over a restart, until it is back', async () => {
      const config = bed.configure('gone', prometheus.url, `${prometheus.url}/api/v1/write`, {
        extra: 'gone: { keep: 10m }\n',
      });
      const app = await bed.scorer(config, ALL);
      await app.start();
      await bed.until(
        'all are scored',
        () => present('anomaly_score < 1'),
        (seen) => seen.length === ALL.length,
      );
      cartIsSlow = true;
      const { firing, notifications } = alertmanager;
      await bed.until(
        'the page',
        () => firing(),
        (seen) => seen.length > 0,
      );
      const described =
        /request latency [\d.]+s, usually .* to .* of the anomaly\).*\. Called by shop\/front \(request latency [\d.]+m?s\)\./;
      // The page may be an evaluation ahead of the alert of the service, which it inhibits.
      await bed.until(
        'the description',
        () => alertmanager.descriptions('ServiceAnomalous'),
        ([text = '']) => described.test(text),
      );
      end('cart');
      await bed.until('it is gone', gone, (seen) => seen.join() === 'cart');
      await bed.until(
        'its own score has ended',
        () => present('anomaly_score{service="cart",detector!="gone"}'),
        (seen) => seen.length === 0,
      );
      expect(await first()).toEqual(['cart']);

      await app.stop();
      const stopped = Date.now();
      const restarted = bed.blankScorer(config);
      await restarted.start();
      await bed.until(
        'the restarted scorer writes',
        () => scoredSince(stopped),
        (seen) => seen.includes('db'),
      );
      expect(await scoredSince(stopped, 'anomaly_score{detector="gone"}')).toEqual(['cart']);
      // Alertmanager doesn't notify again, but has the text for whoever looks.
      await bed.until(
        'the alert says so',
        () => alertmanager.descriptions('RootCauseIdentified'),
        (texts) => texts.some((one) => /Gone: shop\/cart since \d{4}-/.test(one)),
      );
      expect(new Set(firing())).toEqual(new Set(['on-call: RootCauseIdentified critical']));
      expect(notifications.flatMap(({ alerts }) => alerts).filter(({ status }) => status === 'resolved')).toEqual([]);

      cartIsSlow = false;
      services.push(name('cart'));
      await bed.until('it is back', gone, (seen) => seen.length === 0);
      await bed.until(
        'its score is normal',
        () => present('anomaly_score{service="cart"} < 1'),
        (seen) => seen.length === 1,
      );
      await bed.until(
        'the alert resolves',
        () => notifications.flatMap(({ alerts }) => alerts).map(({ status }) => status),
        (states) => states.includes('resolved'),
      );
      await restarted.stop();
    });

    it('is not gone with all others, nor if it was healthy and nobody misses it', async () => {
      const app = await bed.scorer(bed.configure('calm', prometheus.url, `${prometheus.url}/api/v1/write`), ALL);
      const started = Date.now();
      await app.start();
      await bed.until(
        'all are scored',
        () => scoredSince(started),
        (seen) => seen.length === ALL.length,
      );
      const scored = (count: number) =>
        bed.until(
          `${count} are scored`,
          () => present('anomaly_score'),
          (seen) => seen.length === count,
        );
      end(...ALL.map(({ service }) => service));
      await scored(0);
      expect(await gone()).toEqual([]);
      services.push(...ALL.slice(1));
      await scored(ALL.length - 1);
      await new Promise((resolve_) => setTimeout(resolve_, 4000));
      expect(await gone()).toEqual([]);
      await app.stop();
    });
  });
}
