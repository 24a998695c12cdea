import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeReleases } from '../skips/describe-releases.ts';
import {
  alertName,
  type Labels,
  type RunningAlertmanager,
  SHIPPED_ALERTMANAGER as SHIPPED,
  startAlertmanager,
} from '../testserver/alertmanager.ts';
import type { PrometheusRelease } from '../testserver/prometheus-releases.ts';
import { until as untilHolds } from '../until.ts';

interface Listed {
  readonly labels: Labels;
  readonly status: { readonly state: string };
}

const cart: Labels = { alertname: 'ServiceAnomalous', severity: 'warning', namespace: 'shop', service: 'cart' };
const front: Labels = { ...cart, namespace: 'web', service: 'front' };
const cartSeverely: Labels = { ...cart, alertname: 'ServiceSeverelyAnomalous', severity: 'critical' };
const cause: Labels = { alertname: 'RootCauseIdentified', severity: 'warning', namespace: 'shop' };
const gravely: Labels = { ...cause, severity: 'critical' };
const scorerDown: Labels = { alertname: 'LorikeetScorerDown', severity: 'warning', instance: 'scorer:9401' };

const amtool = (release: PrometheusRelease, ...args: readonly string[]) =>
  execFileSync(release.amtool, args, { encoding: 'utf8' });

describeReleases(testsWith);

function testsWith(release: PrometheusRelease): void {
  describe('the shipped Alertmanager configuration', () => {
    it('is valid', () => {
      expect(amtool(release, 'check-config', SHIPPED)).toContain('SUCCESS');
    });

    it.each([
      ['on-call', cart],
      ['on-call', cartSeverely],
      ['on-call', cause],
      ['on-call', { ...cart, alertname: 'InstanceDiffers' }],
      ['monitoring', scorerDown],
    ])('sends to %s alerts with %o', (receiver, labels) => {
      const matchers = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
      expect(amtool(release, 'config', 'routes', 'test', `--config.file=${SHIPPED}`, ...matchers).trim()).toBe(
        receiver,
      );
    });
  });

  describe('a real Alertmanager with it', { timeout: 60_000 }, () => {
    let alertmanager: RunningAlertmanager;

    beforeAll(async () => {
      alertmanager = await startAlertmanager(release.alertmanager);
    });
    afterAll(() => alertmanager.stop());

    async function post(alerts: readonly Labels[], endsInMs = 3_600_000): Promise<void> {
      const endsAt = new Date(Date.now() + endsInMs).toISOString();
      const body = JSON.stringify(alerts.map((labels) => ({ labels, endsAt })));
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(`${alertmanager.url}/api/v2/alerts`, { method: 'POST', headers, body });
      expect(response.status).toBe(200);
    }

    const until = (what: string, holds: () => boolean) =>
      untilHolds(what, holds, {
        timeoutMs: 20_000,
        periodMs: 100,
        seen: () => `; seen ${JSON.stringify(alertmanager.notifications)}`,
      });

    const firing = () => alertmanager.firing();

    it('sends one page for a cascade, and its services once the cause is no longer known', async () => {
      await post([cart, front, cartSeverely, cause, gravely]);
      await until('the root cause', () => firing().length > 0);
      // Posted later with the same wait: when it arrives, all notifications about the others have arrived.
      await post([scorerDown]);
      await until('the scorer', () => firing().some((alert) => alert.startsWith('monitoring')));
      expect(new Set(firing())).toEqual(
        new Set(['on-call: RootCauseIdentified critical', 'monitoring: LorikeetScorerDown warning']),
      );
      const listed = (await (await fetch(`${alertmanager.url}/api/v2/alerts`)).json()) as Listed[];
      const suppressed = listed
        .filter(({ status }) => status.state === 'suppressed')
        .map(({ labels }) => alertName(labels));
      expect(suppressed.sort()).toEqual([
        'RootCauseIdentified warning',
        'ServiceAnomalous warning cart',
        'ServiceAnomalous warning front',
        'ServiceSeverelyAnomalous critical cart',
      ]);

      alertmanager.notifications.length = 0;
      await post([cause, gravely], 0);
      await until('the severe anomaly', () => firing().includes('on-call: ServiceSeverelyAnomalous critical cart'));
      await until('the other service', () => firing().includes('on-call: ServiceAnomalous warning front'));
      expect(firing()).not.toContain('on-call: ServiceAnomalous warning cart');
    });

    it('sends a severe anomaly in addition to a cause that is not severe', async () => {
      await post([cart, front, cartSeverely], 0);
      const other: Labels = { ...cartSeverely, service: 'payment' };
      alertmanager.notifications.length = 0;
      await post([cause, other, { ...cart, service: 'payment' }]);
      await until('both', () => new Set(firing().filter((alert) => alert.startsWith('on-call'))).size === 2);
      expect(firing()).toEqual(
        expect.arrayContaining([
          'on-call: RootCauseIdentified warning',
          'on-call: ServiceSeverelyAnomalous critical payment',
        ]),
      );
    });

    it('tells a version that differs, and not its pods; a pod that differs also beside the root cause', async () => {
      const differs: Labels = { ...cart, alertname: 'InstanceDiffers', service: 'search' };
      alertmanager.notifications.length = 0;
      await post([cause, { ...front, alertname: 'ResponseTimeAnomalous' }, { ...differs, service: 'mail' }]);
      await post([differs, { ...differs, alertname: 'VersionDiffers' }]);
      await until('both', () => firing().filter((alert) => alert.includes('Differs')).length > 1);
      expect(firing()).not.toContain('on-call: InstanceDiffers warning search');
      expect(firing()).not.toContain('on-call: ResponseTimeAnomalous warning front');
      expect(firing()).toEqual(
        expect.arrayContaining(['on-call: InstanceDiffers warning mail', 'on-call: VersionDiffers warning search']),
      );
    });

    it('keeps clusters apart: an incident in one holds back nothing of another, and pages at once', async () => {
      const inCluster = (cluster: string, alerts: readonly Labels[]) => alerts.map((alert) => ({ ...alert, cluster }));
      const incident = [cause, gravely, cart, cartSeverely];
      await post([cause, gravely, cart, front, cartSeverely], 0);
      alertmanager.notifications.length = 0;
      await post(inCluster('a', incident));
      await until('the incident in a', () => firing().includes('on-call: RootCauseIdentified critical'));
      alertmanager.notifications.length = 0;
      // Everything that the incident of a holds back there, and a root cause of the same names.
      await post(
        inCluster('b', [cart, { ...cartSeverely, service: 'payment' }, { ...cart, alertname: 'UnexpectedPath' }]),
      );
      await post(inCluster('c', [cause]));
      await until('all of b and c', () => firing().length >= 4);
      expect(new Set(firing())).toEqual(
        new Set([
          'on-call: ServiceAnomalous warning cart',
          'on-call: ServiceSeverelyAnomalous critical payment',
          'on-call: UnexpectedPath warning cart',
          'on-call: RootCauseIdentified warning',
        ]),
      );
      const clusters = alertmanager.notifications.map(({ alerts }) => [
        ...new Set(alerts.map(({ labels }) => labels['cluster'])),
      ]);
      for (const of of clusters) expect(of).toHaveLength(1);
      expect(clusters.flat()).not.toContain('a');
    });
  });
}

it('has the cluster in every inhibition and every grouping', () => {
  const { inhibit_rules: rules, route } = load(readFileSync(SHIPPED, 'utf8')) as {
    readonly inhibit_rules: readonly { readonly equal?: readonly string[] }[];
    readonly route: { readonly group_by: readonly string[]; readonly routes: readonly { group_by: string[] }[] };
  };
  for (const { equal } of rules) expect(equal).toContain('cluster');
  for (const { group_by: by } of [route, ...route.routes]) expect(by).toContain('cluster');
});
