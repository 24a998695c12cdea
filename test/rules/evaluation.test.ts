import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpClient, httpClientSchema } from '../../daemon/http-client/client.ts';
import { createLogger } from '../../daemon/logger.ts';
import { RemoteWriter } from '../../scorer/output/remote-write/writer.ts';
import { type RunningPrometheus, startPrometheus } from '../testserver/prometheus.ts';
import { untilValue } from '../until.ts';

/** The shipped rules on a Prometheus with its defaults: scrapes and evaluations every minute. */

const FILES = [
  'rules/generated/lorikeet.rules.yaml',
  'rules/generated/lorikeet-instances.rules.yaml',
  'rules/services.alerts.yaml',
  'rules/detectors.alerts.yaml',
];
const MINUTE = 60_000;

interface Group {
  readonly name: string;
  readonly interval: number;
}

describe('the shipped rules at an evaluation_interval of 1m', { timeout: 200_000 }, () => {
  let prometheus: RunningPrometheus;
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${prometheus.url}/api/v1/${path}`);
    return ((await response.json()) as { readonly data: T }).data;
  };

  beforeAll(async () => {
    const files = FILES.map((file) => `'${resolve(file)}'`).join();
    prometheus = await startPrometheus({
      config: `global: { scrape_interval: 1m, evaluation_interval: 1m }\nrule_files: [${files}]\n`,
    });
  });
  afterAll(() => prometheus.stop());

  it('are evaluated at intervals of their own', async () => {
    const { groups } = await get<{ readonly groups: readonly Group[] }>('rules');
    expect(groups.length).toBeGreaterThan(20);
    const alerting = new Set(['lorikeet_services', 'lorikeet_detectors']);
    for (const { name, interval } of groups) expect([name, interval]).toEqual([name, alerting.has(name) ? 15 : 30]);
  });

  it('fire within two minutes for two bad cycles, and never for one', async () => {
    const http = createHttpClient(httpClientSchema.parse({}), { timeoutMs: 5000 });
    const writer = new RemoteWriter({ url: `${prometheus.url}/api/v1/write`, http, logger: createLogger({}) });
    const write = async (scores: Readonly<Record<string, number>>) => {
      const timestampMs = Date.now();
      const labels = (service: string) => ({ namespace: 'shop', service, detector: 'autoencoder' });
      await writer.write(
        Object.entries(scores).map(([service, value]) => ({
          name: 'anomaly_score',
          labels: labels(service),
          value,
          timestampMs,
        })),
      );
    };
    const begin = Date.now();
    const cycles = [
      { cart: 2.5, blip: 2.5 },
      { cart: 2.5, blip: 0.2 },
      { cart: 0.2, blip: 0.2 },
    ];
    const timers = cycles.map((scores, cycle) => setTimeout(() => void write(scores), cycle * MINUTE));
    const firing = new Set<string>();
    try {
      await untilValue(
        'cart alerts',
        async () => {
          const { alerts } = await get<{
            readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly state: string }[];
          }>('alerts');
          for (const { labels, state } of alerts) if (state === 'firing') firing.add(labels['service'] ?? '');
        },
        () => firing.size > 0,
        { timeoutMs: 2 * MINUTE, periodMs: 1000 },
      );
      expect(Date.now() - begin).toBeLessThan(115_000);
      expect([...firing]).toEqual(['cart']);
    } finally {
      for (const timer of timers) clearTimeout(timer);
      await writer.close(0);
      await http.close();
    }
  });
});
