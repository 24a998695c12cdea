import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import type { HistogramForm } from '../../scorer/features/native-histograms.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
import { describeReleases } from '../skips/describe-releases.ts';
import { INSTALLED_RELEASE } from '../testserver/prometheus-releases.ts';
import { startPrometheus } from '../testserver/prometheus.ts';
import { bundleExporter, type Bundle } from './program.ts';
import { CART, serve, shopTargets, withShop, writeTargets } from './shop.ts';

let bundle: Bundle;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-native-histograms-'));
  bundle = await bundleExporter();
});
afterAll(() => {
  bundle?.remove();
  rmSync(folder, { recursive: true });
});

const config = (address: string, rules: string, native: boolean): string => `
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s${native ? ', scrape_native_histograms: true' : ''}}
rule_files: ['${rules}']
scrape_configs: [{job_name: lorikeet, honor_labels: true, static_configs: [{targets: ['${address}']}]}]
`;

type Labels = Readonly<Record<string, string>>;

/** The result of a query: its labels, without the name -> value. */
async function ask(url: string, query: string): Promise<Readonly<Record<string, number>>> {
  const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`);
  const { data } = (await answer.json()) as { data: { result: { metric: Labels; value: [number, string] }[] } };
  return Object.fromEntries(
    data.result.map(({ metric, value }) => {
      const labels = Object.entries(metric).filter(([name]) => name !== '__name__' && name !== 'instance');
      return [JSON.stringify(Object.fromEntries(labels)), Number(value[1])];
    }),
  );
}

describeReleases((release) => {
  const program = release.prometheus;
  // Version 3.9 made the feature flag a setting.
  const nativeBySetting = release !== INSTALLED_RELEASE;
  // Version 3.0 interpolates native buckets on a logarithmic scale: 6 % at most, where a bound is twice the last one.
  const quantileShare = nativeBySetting ? 0.062 : 1e-9;

  test(
    'Prometheus with native histograms gets the same from a third of the series',
    () =>
      withShop(async (front, cart) => {
        const targets = join(folder, 'targets.yaml');
        writeTargets(targets, shopTargets(front, cart));
        const exporter = await bundle.start(`--targets.file=${targets}`, '--web.enable-native-histograms');
        const configWith = (histograms: HistogramForm): string => {
          const rules = join(folder, `${histograms}.yaml`);
          writeFileSync(
            rules,
            renderRecordingRules(readFeatures('rules/features.yaml'), { histograms, intervalMs: 1000 }),
          );
          return config(exporter.address, rules, nativeBySetting && histograms === 'native');
        };
        const [native, classic] = await Promise.all([
          startPrometheus({
            program,
            config: configWith('native'),
            flags: nativeBySetting ? [] : ['--enable-feature=native-histograms'],
          }),
          startPrometheus({ program, config: configWith('classic') }),
        ]);
        try {
          const { port } = await serve(cart, cart.cgroup, '0.0.0.0');
          const both = (query: string) => Promise.all([ask(native.url, query), ask(classic.url, query)]);
          const up = 'lorikeet_requests_total == 0';
          await vi.waitFor(async () => expect((await both(up)).map((all) => Object.keys(all).length)).toEqual([4, 4]), {
            timeout: 20_000,
          });
          for (let round = 0; round < 4; round++) {
            await front.run(front.cgroup, 'http-client.mjs', { host: CART.ipv4, port, single: 20, kept: 30 });
            await new Promise((resolve) => setTimeout(resolve, 1500));
          }
          const duration = 'lorikeet_request_duration_seconds';
          /** The two servers scrape at different times. */
          const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 500 });
          const closeTo = (actual: Readonly<Record<string, number>>, expected: typeof actual, share: number): void => {
            expect(Object.keys(actual)).toEqual(expect.arrayContaining(Object.keys(expected)));
            for (const [labels, value] of Object.entries(expected)) {
              expect(Math.abs((actual[labels] ?? 0) - value) / value).toBeLessThan(share);
            }
          };
          await eventually(async () => {
            const counts = await ask(native.url, `histogram_count(${duration})`);
            expect(new Set(Object.values(counts))).toEqual(new Set([0, 200]));
            expect(await ask(classic.url, `${duration}_count`)).toEqual(counts);
          });
          // Exactly the same counts, hence quantiles.
          expect(await ask(native.url, `histogram_sum(${duration})`)).toEqual(
            await ask(classic.url, `${duration}_sum`),
          );
          for (const quantile of [0.1, 0.5, 0.9, 0.99, 1]) {
            const same = await ask(classic.url, `histogram_quantile(${quantile}, ${duration}_bucket) >= 0`);
            expect(Object.keys(same)).toHaveLength(2);
            closeTo(await ask(native.url, `histogram_quantile(${quantile}, ${duration}) >= 0`), same, quantileShare);
          }
          await eventually(async () => {
            const rates = await ask(classic.url, `histogram_quantile(0.9, rate(${duration}_bucket[1m])) >= 0`);
            expect(Object.keys(rates)).toHaveLength(2);
            closeTo(
              await ask(native.url, `histogram_quantile(0.9, rate(${duration}[1m])) >= 0`),
              rates,
              0.1 + quantileShare,
            );
          });
          // The rules record the same features.
          await eventually(async () => {
            const series = 'service:lorikeet_feature:window';
            const [ours, theirs] = await both(`group by (feature, channel, namespace, service) (${series})`);
            expect(ours).toEqual(theirs);
            const latencies = await both(`{__name__="${series}",feature=~"(request|call)_latency.*",channel="green"}`);
            expect(Object.keys(latencies[1])).toHaveLength(3);
            closeTo(...latencies, 0.1 + quantileShare);
          });
          // Everything else, the exporter's own metrics included, is there by the same names.
          const names = async (url: string, matchers: string): Promise<Set<string>> => {
            const families = `{job="lorikeet",${matchers}}`;
            const named = await ask(
              url,
              `group by (name) (label_replace(${families}, "name", "$1", "__name__", "(.*)"))`,
            );
            return new Set(Object.keys(named).map((labels) => (JSON.parse(labels) as Labels)['name'] ?? ''));
          };
          const all = await names(native.url, '__name__=~".+"');
          const lines = await names(classic.url, '__name__=~".+"');
          const replaced = [...lines].filter((name) => /^lorikeet_(?!exporter).*_(bucket|sum|count)$/.test(name));
          const histograms = replaced
            .filter((name) => name.endsWith('_count'))
            .map((name) => name.replace(/_count$/, ''));
          expect(histograms).toHaveLength(5);
          for (const name of replaced) lines.delete(name);
          expect(all).toEqual(new Set([...lines, ...histograms]));
          const seriesOf = await both('count({__name__=~"lorikeet_(requests?|edge|tcp)_.*"})');
          const [fewSeries = NaN, manySeries = NaN] = seriesOf.map((counts) => Object.values(counts)[0]);
          expect(fewSeries).toBeLessThan(manySeries / 3);
        } finally {
          await Promise.all([native.stop(), classic.stop()]);
        }
      }),
    90_000,
  );
});

test.each([
  [[], 'application/openmetrics-text; version=1.0.0; charset=utf-8'],
  [
    ['--web.enable-native-histograms'],
    'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
  ],
])('with flags %o, a scraper that asks for protobuf gets %s', async (flags, contentType) => {
  const exporter = await bundle.start(...flags);
  const accept =
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5';
  const answer = await fetch(`http://${exporter.address}/metrics`, { headers: { accept } });
  expect(answer.headers.get('content-type')).toBe(contentType);
});
