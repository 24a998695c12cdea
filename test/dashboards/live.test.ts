import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contentPanels, type Dashboard, type Panel } from '../../scripts/preview/dashboard.ts';
import { readDashboards } from '../../scripts/preview/read-dashboards.ts';
import { type RunningDemo, startDemo } from '../../scripts/preview/running-demo.ts';
import type { Frame } from '../../scripts/preview/frames.ts';
import { DashboardView } from '../../scripts/preview/grafana.ts';
import { expectDrawable } from './node-graph-frames.ts';

/** Lines that may have no data, and why. Their panels have other lines, or a text in place of data. */
const MAY_BE_EMPTY: Readonly<Record<string, string>> = {
  'Failed requests': 'no query and no write has failed',
  'Samples written: dropped: {{reason}}': 'no sample was dropped',
  'Missing values: rejected: {{reason}}': 'the scorer can use all series',
  Problems: 'the checks find none',
  'Changes before the incident': 'the shop has no deployments',
  'Page faults and block requests: block requests': 'a service without a disk of its own issues no block requests',
  Memory: 'memory.current needs a controller that this machine may lack',
  'Learning under way': 'a short demo may finish learning before the first scrape',
  Detectors: 'the autoencoder runs alone',
  'Score by pod': 'no detector that scores pods runs',
  'Score by version': 'no detector that compares versions runs',
  'Score by endpoint': 'no detector that scores endpoints runs',
  Pods: 'no detector that scores pods runs',
  'Unexpected events': 'no detector that reads traces runs',
};

const FAULTY = 'catalog';
const dashboards = readDashboards();
const counts = { panels: 0, queries: 0, variables: 0, frames: 0, rows: 0 };

let demo: RunningDemo;
const views = new Map<string, DashboardView>();

beforeAll(async () => {
  demo = await startDemo(['--fault=latency', `--service=${FAULTY}`, '--learning=75', '--keep']);
  const end = await demo.incident();
  const chosen = { namespace: 'shop', service: FAULTY, feature: 'request_latency' };
  for (const dashboard of dashboards) {
    const options = {
      prometheusUrl: demo.prometheusUrl,
      end,
      span: 300,
      scrapeInterval: 1,
      chosen: dashboard.uid === 'lorikeet-service' ? chosen : {},
    };
    views.set(dashboard.uid, await DashboardView.open(dashboard, options));
  }
}, 480_000);

afterAll(async () => {
  const { panels, queries, variables, frames, rows } = counts;
  process.stdout.write(
    `dashboards: ${dashboards.length}, panels: ${panels}, queries: ${queries}, variables: ${variables}, frames: ${frames}, rows: ${rows}\n`,
  );
  await demo?.stop();
}, 120_000);

const viewOf = (dashboard: Dashboard): DashboardView => {
  const view = views.get(dashboard.uid);
  if (view === undefined) throw new Error(`${dashboard.uid} was not opened`);
  return view;
};

const cases = dashboards.flatMap((dashboard) =>
  contentPanels(dashboard).map((panel) => [dashboard.uid, panel.title, dashboard, panel] as const),
);

describe('every panel of a shop with a broken service', () => {
  it.each(cases.filter(([, , , { type }]) => type !== 'text'))(
    '%s: %s has data',
    async (_, title, dashboard, panel) => {
      const view = viewOf(dashboard);
      for (const target of panel.targets ?? []) {
        const series = await view.series(target);
        counts.queries++;
        const reason = MAY_BE_EMPTY[title] ?? MAY_BE_EMPTY[`${title}: ${target.legendFormat}`];
        if (reason === undefined) expect(series.length, view.fill(target.expr)).toBeGreaterThan(0);
      }
      const frames = await view.frames(panel);
      counts.panels++;
      counts.frames += frames.length;
      counts.rows += frames.reduce((sum, { length }) => sum + length, 0);
      if (panel.type === 'table' && (frames.length > 0 || MAY_BE_EMPTY[title] === undefined))
        expectOneTable(frames, panel);
    },
  );

  it('lists values for every variable', async () => {
    for (const dashboard of dashboards) {
      for (const variable of dashboard.templating.list.filter(({ type }) => type === 'query')) {
        counts.variables++;
        expect((await viewOf(dashboard).values(variable)).length, variable.name).toBeGreaterThan(0);
      }
    }
  });

  it('draws the alerts of the incident as annotations', async () => {
    for (const uid of ['lorikeet-overview', 'lorikeet-service']) {
      const view = views.get(uid);
      const [annotation] = view?.dashboard.annotations.list ?? [];
      if (view === undefined || annotation === undefined) throw new Error(`${uid} has no annotation`);
      expect((await view.annotation(annotation)).map(({ labels }) => labels['alertname'])).toContain(
        'ServiceAnomalous',
      );
    }
  });
});

/** The transformations join all queries to one table with readable headers. */
function expectOneTable(frames: readonly Frame[], panel: Panel): void {
  expect(frames, panel.title).toHaveLength(1);
  const headers = frames[0]?.fields.map(({ name, config }) => config.displayName ?? name) ?? [];
  for (const header of headers) expect(header, panel.title).not.toMatch(/^Value|^Time$|^__/);
}

describe('the table of anomalies', () => {
  it('has a row for each anomalous service with onset, rank and the largest signal', async () => {
    const dashboard = dashboards.find(({ uid }) => uid === 'lorikeet-overview');
    const panel = dashboard?.panels.find(({ title }) => title === 'Anomalies');
    if (dashboard === undefined || panel === undefined) throw new Error('no such panel');
    const [frame] = await viewOf(dashboard).frames(panel);
    const headed = (header: string) =>
      frame?.fields.find(({ name, config }) => (config.displayName ?? name) === header)?.values ?? [];
    const row = headed('Service').indexOf(FAULTY);
    expect(row).toBeGreaterThanOrEqual(0);
    expect(headed('Score')[row]).toBeGreaterThan(1);
    expect(headed('Rank')[row]).toBe(1);
    expect(headed('Signal')[row]).toMatch(/latency|in_flight/);
    expect(new Date(headed('Since')[row] as number).getFullYear()).toBe(new Date().getFullYear());
    expect(new Set(headed('Service')).size).toBe(frame?.length);
  });
});

describe('the node graphs', () => {
  const graphs = cases.filter(([, , , { type }]) => type === 'nodeGraph');

  it.each(graphs)('%s: %s can be drawn and marks the broken service', async (_uid, _title, dashboard, panel) => {
    const graph = expectDrawable(await viewOf(dashboard).frames(panel));
    expect(graph.edge('secondarystat').some((text) => /^[\d.]+ ms$/.test(String(text)))).toBe(true);
    const broken = graph.ids.indexOf(`shop/${FAULTY}`);
    expect(graph.node('arc__anomaly')[broken]).toBeGreaterThan(0.5);
    expect(graph.node('icon')[broken]).toBe('exclamation-triangle');
    expect(graph.node('icon').filter((icon) => icon !== '')).toHaveLength(1);
  });
});
