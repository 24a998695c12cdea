import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFeatures } from '../../scorer/features/features.ts';
import { renderRecordingRules } from '../../scorer/features/recording-rules.ts';
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

  it('show the services of two clusters as nodes of their own, with scores and calls of their own', () => {
    const of = (cluster: string, service: string) => `cluster="${cluster}",namespace="shop",service="${service}"`;
    const ends = 'client_namespace="shop",client_service="cart",server_namespace="shop",server_service="db"';
    const input = ['a', 'b'].flatMap((cluster, index) => [
      { series: `anomaly_score{${of(cluster, 'cart')},detector="autoencoder"}`, values: `${2 * index}x20` },
      { series: `anomaly_score{${of(cluster, 'db')},detector="autoencoder"}`, values: '0.25x20' },
      ...['request_rate', 'request_latency'].map((feature) => ({
        series: `edge:lorikeet_feature:window{cluster="${cluster}",${ends},feature="${feature}"}`,
        values: `${index + 1}x20`,
      })),
    ]);
    const rules = join(folder, 'rules.yaml');
    writeFileSync(rules, renderRecordingRules(readFeatures('rules/features.yaml'), { labels: ['cluster'] }));
    const boards = shipped.map((board) => labelledDashboard(board, ['cluster']));
    const queries = (title: string) => {
      const board = boards.find((one) => one['title'] === `Lorikeet / ${title}`) as unknown as {
        readonly panels: readonly { readonly type: string; readonly targets: readonly { readonly expr: string }[] }[];
      };
      const graph = board.panels.find(({ type }) => type === 'nodeGraph');
      return graph!.targets.map(({ expr }) =>
        [
          ['$namespace', title === 'Overview' ? '.*' : 'shop'],
          ['$cluster', title === 'Overview' ? '.*' : 'b'],
          ['$service', 'cart'],
          ['$detector', 'autoencoder'],
        ].reduce((text, [name = '', value = '']) => text.replaceAll(`"${name}"`, `"${value}"`), expr),
      );
    };
    const [nodes = '', edges = ''] = queries('Overview');
    const [neighbours = '', calls = ''] = queries('Service');
    const node = (id: string, mainstat: string) => ({ labels: `{id="${id}",mainstat="${mainstat}"}`, value: 1 });
    const edge = (cluster: string, ms: string) => ({
      labels: `{source="${cluster}/shop/cart",target="${cluster}/shop/db",secondarystat="${ms} ms"}`,
      value: 1,
    });
    const expected = (expr: string, samples: readonly object[]) => ({ expr, eval_time: '5m', exp_samples: samples });
    const test = {
      interval: '30s',
      input_series: input,
      promql_expr_test: [
        expected(`group by (id, mainstat) (${nodes})`, [
          node('a/shop/cart', '0'),
          node('a/shop/db', '0.25'),
          node('b/shop/cart', '2'),
          node('b/shop/db', '0.25'),
        ]),
        expected(`group by (source, target, secondarystat) (${edges})`, [edge('a', '1000'), edge('b', '2000')]),
        expected(`group by (id, mainstat) (${neighbours})`, [node('b/shop/cart', '2'), node('b/shop/db', '0.25')]),
        expected(`group by (source, target, secondarystat) (${calls})`, [edge('b', '2000')]),
      ],
    };
    const path = join(folder, 'graph.test.yaml');
    writeFileSync(path, dump({ rule_files: [rules], evaluation_interval: '30s', tests: [test] }, { noRefs: true }));
    const { stdout, stderr } = spawnSync('promtool', ['test', 'rules', path], { encoding: 'utf8' });
    expect(stdout + stderr).toContain('SUCCESS');
  });
});
