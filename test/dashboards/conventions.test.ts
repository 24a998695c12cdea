import { describe, expect, it } from 'vitest';
import { contentPanels } from '../../scripts/preview/dashboard.ts';
import { readDashboards } from '../../scripts/preview/read-dashboards.ts';

/** Suffixes of counters in the exposition format. */
const COUNTER = /\b[a-z_]+_(?:total|count|sum|bucket)\b(?!:)/g;
const RATE = /\b(?:rate|increase)\($/;

/**
 * The rules of https://github.com/grafana/dashboard-linter, except for job and instance, which services do not have.
 */
describe.each(readDashboards().map((dashboard) => [dashboard.uid, dashboard] as const))('%s', (_, dashboard) => {
  const panels = contentPanels(dashboard);
  const queried = panels.flatMap((panel) => (panel.targets ?? []).map((target) => ({ panel, target })));

  it('can be provisioned: no id, a fixed uid, not editable', () => {
    expect(dashboard).toMatchObject({ id: null, uid: expect.stringMatching(/^lorikeet-/) as string, editable: false });
    expect(dashboard.description).not.toBe('');
  });

  it('takes its data source from a variable everywhere', () => {
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource', query: 'prometheus' });
    const datasources = [
      ...panels.filter(({ type }) => type !== 'text').map(({ datasource }) => datasource),
      ...queried.map(({ target }) => target.datasource),
      ...dashboard.templating.list.filter(({ type }) => type === 'query').map(({ datasource }) => datasource),
      ...dashboard.annotations.list.map(({ datasource }) => datasource),
    ];
    for (const datasource of datasources) expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' });
  });

  it('refreshes its variables when the time range changes', () => {
    for (const variable of dashboard.templating.list) {
      expect(variable.label).not.toBe('');
      if (variable.type === 'query') expect(variable.refresh).toBe(2);
    }
  });

  it('has a title, a description, a unit and a query in every panel', () => {
    for (const panel of panels) {
      expect(panel.title, `panel ${panel.id}`).not.toBe('');
      expect(panel.description ?? '', panel.title).not.toBe('');
      if (panel.type === 'text') expect(panel.options?.content ?? '').not.toBe('');
      else {
        expect(panel.fieldConfig?.defaults.unit ?? '', panel.title).not.toBe('');
        expect(panel.targets?.length ?? 0, panel.title).toBeGreaterThan(0);
      }
      if (panel.type === 'timeseries') expect(panel.options?.legend?.displayMode, panel.title).toBe('table');
    }
  });

  it('has legends and distinct query ids', () => {
    for (const panel of panels) {
      const ids = (panel.targets ?? []).map(({ refId }) => refId);
      expect(new Set(ids).size, panel.title).toBe(ids.length);
      if (panel.type === 'timeseries') {
        for (const { legendFormat } of panel.targets ?? []) expect(legendFormat ?? '', panel.title).not.toBe('');
      }
    }
  });

  it('queries counters by rate or increase, over an interval that depends on the zoom', () => {
    for (const { panel, target } of queried) {
      for (const { index } of target.expr.matchAll(COUNTER)) {
        expect(target.expr.slice(0, index), `${panel.title}: ${target.expr}`).toMatch(RATE);
      }
      for (const [, window] of target.expr.matchAll(/\brate\([^[]*\[([^\]]+)\]/g)) {
        expect(window, panel.title).toBe('$__rate_interval');
      }
    }
  });

  it('has panels on the grid, without overlap', () => {
    const cells = new Set<string>();
    for (const { gridPos, title } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`), `${title} at ${x} ${y}`).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });

  it('links to the other dashboards with time range and variables', () => {
    const uids = new Set(readDashboards().map(({ uid }) => uid));
    expect(dashboard.links).toHaveLength(uids.size - 1);
    for (const link of dashboard.links) {
      expect(uids).toContain(link.url.replace('/d/', ''));
      expect(link).toMatchObject({ includeVars: true, keepTime: true });
    }
  });
});
