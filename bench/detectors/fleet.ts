import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { readScorerConfig } from '../../scorer/config.ts';
import {
  ENDPOINT_SERIES,
  type Feature,
  type FeatureSet,
  POD_SERIES,
  readFeatures,
} from '../../scorer/features/features.ts';
import { learnDetectors } from '../../scorer/learning/detectors/learn-detectors.ts';
import { SHIPPED_FEATURES } from '../../scorer/paths.ts';
import { saveLearnedState } from '../../test/scorer/learned-state.ts';
import { startPrometheus } from '../../test/testserver/prometheus.ts';
import { connect } from '../recorded/with-features.ts';
import { type CycleFigures, Subject } from '../scorer/subject.ts';
import { syntheticFleet, type SyntheticFleet, writeSteps } from '../scorer/synthetic-fleet.ts';
import { renderRows, type Table } from './results.ts';

const INTERVAL_MS = 5000;
/** Steps of the past: detectors learn from them, and the first cycle fetches them. */
const PAST = 80;
const LEARNING_STEPS = 40;
/** The first cycles compile the code and fetch the past. */
const WARM_UP = 5;
const PODS = 3;
const ENDPOINTS = 3;

/** Training for one epoch costs less and gives a network of the same size. */
const DETECTORS = {
  gru_vae: { epochs: 1 },
  lstm_autoencoder: { epochs: 1 },
  instance_outlier: {},
} as const;
/** What runs together. */
const CASES: Readonly<Record<string, object>> = {
  autoencoder: { autoencoder: {} },
  ...Object.fromEntries(
    Object.entries(DETECTORS).map(([name, settings]) => [
      `autoencoder, ${name}`,
      { autoencoder: {}, [name]: settings },
    ]),
  ),
  'all, with agreement and patterns': {
    autoencoder: {},
    ...DETECTORS,
    agreement: { of: ['autoencoder', ...Object.keys(DETECTORS)], at_least: 2 },
    pattern: {},
  },
};

/** Seconds and memory of a cycle of the complete scorer, with and without the other detectors. */
export async function measureFleet(services: number, cycles: number, say: (line: string) => void): Promise<Table> {
  const set = readFeatures(SHIPPED_FEATURES);
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-bench-detectors-'));
  const prometheus = await startPrometheus({ flags: ['--query.max-samples=200000000'] });
  try {
    const fleet = withInstances(set, syntheticFleet(set, services));
    const end = Math.floor(Date.now() / INTERVAL_MS);
    const from = end - cycles + 1;
    say(`writing ${fleet.series.length} series`);
    await writeSteps(prometheus.url, fleet, { from: from - PAST, to: from - 1, intervalMs: INTERVAL_MS });
    await writeSteps(prometheus.url, fleet, { from, to: end, intervalMs: INTERVAL_MS });
    const rows: string[][] = [];
    for (const [name, detectors] of Object.entries(CASES)) {
      const other = await startPrometheus();
      try {
        const path = prepare(join(folder, String(rows.length)), prometheus.url, other.url, detectors);
        const config = readScorerConfig(path);
        await saveLearnedState(config, set, fleet);
        const learningSeconds = await learnAll(path, set, {
          fromMs: (from - PAST) * INTERVAL_MS,
          toMs: from * INTERVAL_MS,
        });
        say(`${name}: learned in ${learningSeconds.toFixed(0)} s`);
        const figures = await run(path, from, end);
        say(`${name}: ${JSON.stringify(figures)}`);
        rows.push([name, ...cells(figures)]);
      } finally {
        await other.stop();
      }
    }
    return {
      name: 'fleet',
      markdown:
        `A cycle of the complete scorer with ${services} services of ${PODS} pods and ${ENDPOINTS} endpoints each ` +
        `(synthetic, ${fleet.series.length} series): medians of ${cycles - WARM_UP} cycles.\n\n` +
        renderRows(['detectors', 'cycle', 'of which queries', 'CPU time', 'memory at rest', 'peak'], rows),
    };
  } finally {
    await prometheus.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(path: string, from: number, to: number): Promise<CycleFigures> {
  const subject = await Subject.start(process.argv[1] ?? '', path, 'given back');
  try {
    await subject.run({ from, to: from + WARM_UP - 1 });
    return await subject.run({ from: from + WARM_UP, to });
  } finally {
    await subject.stop();
  }
}

function cells(figures: CycleFigures): string[] {
  if (figures.failed > 0) throw new Error(`${figures.failed} cycles failed`);
  const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(2)} s`;
  const { cycle_ms: cycle, query_ms: query, cpu_ms: cpu, rss_mb: rss, rss_mb_peak: peak } = figures;
  return [seconds(cycle), seconds(query), seconds(cpu), `${rss.toFixed(0)} MB`, `${peak.toFixed(0)} MB`];
}

function prepare(folder: string, url: string, writeTo: string, detectors: object): string {
  mkdirSync(folder);
  const path = join(folder, 'scorer.yaml');
  const config = {
    prometheus: { url, timeout: '5m' },
    remote_write: { url: `${writeTo}/api/v1/write`, retry_age: '1d' },
    interval: `${INTERVAL_MS / 1000}s`,
    learning: { minimum: `${(LEARNING_STEPS * INTERVAL_MS) / 1000}s` },
    state_dir: 'state',
    detectors,
  };
  writeFileSync(path, dump(config));
  return path;
}

/** @returns seconds */
async function learnAll(
  path: string,
  set: FeatureSet,
  span: { readonly fromMs: number; readonly toMs: number },
): Promise<number> {
  const config = readScorerConfig(path);
  const { client, close } = connect(config.prometheus.url);
  const started = performance.now();
  try {
    for (const { detector, reason } of await learnDetectors({ config, set, client }, span, { all: true })) {
      if (reason !== undefined) throw new Error(`${detector}: ${reason}`);
    }
  } finally {
    await close();
  }
  return (performance.now() - started) / 1000;
}

/** Adds pods and endpoints with all their features. */
function withInstances(set: FeatureSet, fleet: SyntheticFleet): SyntheticFleet {
  const series = fleet.services.flatMap((name) => [
    ...instances(PODS).flatMap((index) => seriesOf(POD_SERIES, set.pods, { ...name, pod: `${name.service}-${index}` })),
    ...instances(ENDPOINTS).flatMap((index) =>
      seriesOf(ENDPOINT_SERIES, set.endpoints, { ...name, endpoint: `GET /${index}` }),
    ),
  ]);
  return { ...fleet, series: [...fleet.series, ...series.map((one) => ({ ...one, usual: fleet.usual(one.feature) }))] };
}

function instances(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function seriesOf(name: string, features: readonly Feature[], labels: Readonly<Record<string, string>>) {
  return features.map((feature) => ({
    feature,
    labels: Object.entries({ ...labels, __name__: name, feature: feature.name }).sort(([a], [b]) => (a < b ? -1 : 1)),
  }));
}
