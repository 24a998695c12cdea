import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelledDashboard } from '../../scorer/features/labelled-dashboards.ts';

const FOLDER = 'dashboards/generated';
type Board = Parameters<typeof labelledDashboard>[0];
const shipped = readdirSync(FOLDER).map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Board);

interface Variable {
  readonly name: string;
  readonly query: string | { readonly query: string };
  readonly multi?: boolean;
}

/** The texts of a dashboard below a key. */
function textsOf(value: unknown, key: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, one]) =>
    name === key && typeof one === 'string' ? [one] : textsOf(one, key),
  );
}

const variablesOf = (board: Board) => (board['templating'] as unknown as { readonly list: readonly Variable[] }).list;
const aboutServices = (board: Board) => variablesOf(board).some(({ name }) => name === 'namespace');
/** What Grafana replaces in a query. */
const replaced = (expr: string) =>
  expr.replaceAll(/\[\$\w+/g, '[5m').replaceAll(/\$\{?\w+(?::\w+)?\}?/g, (name) => (/^\$\d/.test(name) ? name : 'x'));

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-dashboards-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('dashboards with further labels', () => {
  it('are the shipped ones without any, and those of the programs themselves never change', () => {
    for (const board of shipped) {
      expect(labelledDashboard(board, [])).toEqual(board);
      if (!aboutServices(board)) expect(labelledDashboard(board, ['cluster'])).toEqual(board);
    }
    expect(shipped.filter(aboutServices)).toHaveLength(2);
  });

  it.each(shipped.filter(aboutServices).map((board) => [JSON.stringify(board['title']), board] as const))(
    '%s: a variable for each, before the namespace, in all queries',
    (_, board) => {
      const labels = ['tenant', 'cluster'];
      const labelled = labelledDashboard(board, labels);
      const variables = variablesOf(labelled);
      const names = variables.map(({ name }) => name);
      expect(names.slice(names.indexOf('tenant'), names.indexOf('tenant') + 3)).toEqual([
        'tenant',
        'cluster',
        'namespace',
      ]);
      const multi = variables.find(({ name }) => name === 'namespace')?.multi === true;
      const selected = labels.map((label) => `${label}${multi ? '=~' : '='}"$${label}"`);
      const query = (name: string) => variables.find((variable) => variable.name === name)?.query;
      expect(query('cluster')).toMatchObject({
        query: `label_values(service:lorikeet_feature:window{${selected[0]}}, cluster)`,
      });
      expect(query('namespace')).toMatchObject({
        query: `label_values(service:lorikeet_feature:window{${selected.join(',')}}, namespace)`,
      });
      const exprs = textsOf(labelled, 'expr');
      expect(exprs.length).toBeGreaterThan(10);
      for (const expr of exprs) {
        for (const [list] of expr.matchAll(/\b(?:by|on) \([^)]+\)/g)) expect(list).toContain('(tenant, cluster, ');
        for (const [selector] of expr.matchAll(/\{[^}]*namespace=[^}]*\}/g))
          expect(selector).toContain(selected.join(','));
      }
      const links = textsOf(labelled, 'url').filter((url) => url.includes('var-namespace'));
      for (const url of links) {
        if (url.includes('__data')) expect(url).toContain('var-cluster=${__data.fields.cluster}&var-namespace');
      }
    },
  );

  it('have queries that Prometheus accepts', () => {
    const exprs = shipped.flatMap((board) => textsOf(labelledDashboard(board, ['cluster', 'environment']), 'expr'));
    const rules = [...new Set(exprs)].map((expr, index) => ({ record: `query:${index}`, expr: replaced(expr) }));
    const path = join(folder, 'queries.yaml');
    writeFileSync(path, dump({ groups: [{ name: 'queries', rules }] }));
    expect(execFileSync('promtool', ['check', 'rules', path], { encoding: 'utf8' })).toContain('SUCCESS');
  });
});
