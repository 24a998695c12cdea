import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { afterAll, describe, expect, it } from 'vitest';
import { parseFeatures, readFeatures, UNITS } from './features.ts';
import { renderRecordingRules } from './recording-rules.ts';

const valid = `
windows: [1m, 5m, 15m]
features: [{ name: up, expr: 'avg_over_time(up[$window])', scale: ratio }]
`;

const edge = "name: refused, expr: 'rate(r[$window])', scale: log";

describe('readFeatures', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-features-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it('adds to the lists of the file that it extends, and replaces its windows', () => {
    write('base.yaml', `${valid}edges: [{ ${edge} }]`);
    const set = readFeatures(
      write('more.yaml', `extends: base.yaml\nwindows: [2m, 5m, 15m]\nedges: [{ ${edge.replace('refused', 'slow')} }]`),
    );
    expect(set.windows[0]).toBe(120_000);
    expect(set.features.map(({ name }) => name)).toEqual(['up']);
    expect(set.edges.map(({ name }) => name)).toEqual(['refused', 'slow']);
  });

  it('finds the file that it extends by an absolute path', () => {
    const base = write('base.yaml', valid);
    mkdirSync(join(folder, 'elsewhere'));
    const set = readFeatures(write('elsewhere/more.yaml', `extends: ${base}\nedges: [{ ${edge} }]`));
    expect([set.features.length, set.edges.length]).toEqual([1, 1]);
  });

  it.each([
    ['a name twice', 'base.yaml', `edges: [{ ${edge} }]`, /more.yaml: edges: expected unique names/],
    ['no such file', 'none.yaml', '', /none.yaml: no such file/],
    ['a number', '7', '', /more.yaml: (windows|extends)/],
  ])('refuses %s', (_name, base, text, message) => {
    write('base.yaml', `${valid}edges: [{ ${edge} }]`);
    expect(() => readFeatures(write('more.yaml', `extends: ${base}\n${text}`))).toThrow(message);
  });
});

describe('parseFeatures', () => {
  it('takes for failures the edge features that say so, and no others', () => {
    const { edges } = parseFeatures(
      'features.yaml',
      `${valid}edges: [{ ${edge}, signal: errors, failure: true }, { ${edge.replace('refused', 'failover_ms')}, signal: errors }]`,
    );
    expect(edges.map(({ name, failure }) => [name, failure])).toEqual([
      ['refused', true],
      ['failover_ms', false],
    ]);
    const shipped = readFeatures('rules/features.yaml').edges;
    expect(shipped.filter(({ failure }) => failure).map(({ name }) => name)).toEqual(['failure_rate']);
  });

  it('knows the requests and their mean time of services and of calls, also of the shipped ones', () => {
    const { features, edges } = readFeatures('rules/features.yaml');
    for (const of of [features, edges]) {
      expect(of.filter((feature) => feature.load).map(({ name }) => name)).toEqual(['request_rate']);
      expect(of.filter(({ mean }) => mean).map(({ name }) => name)).toEqual(['request_latency']);
    }
  });

  it('takes the unit of a feature, none by default', () => {
    const units = (text: string) => parseFeatures('features.yaml', text).features.map(({ unit }) => unit);
    expect(units(valid)).toEqual(['none']);
    expect(units(valid.replace('scale: ratio', 'scale: ratio, unit: ratio'))).toEqual(['ratio']);
  });

  it.each(UNITS.filter((unit) => unit !== 'none'))('has a unit %s that the text of alerts knows', (unit) => {
    expect(readFileSync('rules/services.alerts.yaml', 'utf8')).toContain(`eq .arg1 "${unit}"`);
  });

  it.each([
    ['two windows', valid.replace('1m, ', ''), 'features.yaml: windows: expected three windows'],
    ['descending windows', valid.replace('1m', '1h'), 'features.yaml: windows: expected windows from the shortest'],
    ['an unknown key', `${valid}\nchannels: 4`, 'features.yaml: channels: unknown key'],
    ['an unknown scale', valid.replace('ratio', 'cubic'), 'features.yaml: features[0].scale: expected one of log'],
    [
      'no window in the expression',
      valid.replace('[$window]', ''),
      'features.yaml: features[0].expr: expected a PromQL',
    ],
    ['a bad name', valid.replace('name: up', 'name: Up!'), 'features.yaml: features[0].name: expected a name'],
    [
      'an unknown unit',
      valid.replace('scale: ratio', 'scale: ratio, unit: miles'),
      'features.yaml: features[0].unit: expected one of none, seconds, bytes, ratio, per_second, bytes_per_second',
    ],
    ['a missing key', valid.replace('scale: ratio', ''), 'features.yaml: features[0].scale: expected one of log'],
    ['no YAML', 'a: [', 'features.yaml: not valid YAML'],
    [
      'a failure of another signal than errors among the features of services',
      valid.replace('scale: ratio', 'scale: ratio, signal: latency, failure: true'),
      'features.yaml: features[0].failure: expected signal: errors beside failure: true',
    ],
    [
      'a load that is compared by difference',
      valid.replace('scale: ratio', 'scale: ratio, signal: traffic, load: true'),
      'features.yaml: features[0].load: expected scale: log and signal: traffic beside load: true',
    ],
    [
      'a mean of something else than seconds',
      valid.replace('scale: ratio', 'scale: ratio, signal: latency, mean: true'),
      'features.yaml: features[0].mean: expected signal: latency and unit: seconds beside mean: true',
    ],
    [
      'two means of edges',
      `${valid}edges: [${['one', 'two'].map((each) => `{ ${edge.replace('refused', each)}, signal: latency, unit: seconds, mean: true }`).join(', ')}]`,
      'features.yaml: edges: expected mean: true for one feature at most',
    ],
    ['a load of pods', `${valid}pods: [{ ${edge}, load: true }]`, 'features.yaml: pods[0].load: unknown key'],
    [
      'a failure other than true or false',
      `${valid}edges: [{ ${edge}, signal: errors, failure: often }]`,
      'features.yaml: edges[0].failure: expected boolean',
    ],
    [
      'a failure of another signal than errors',
      `${valid}edges: [{ ${edge}, signal: latency, failure: true }]`,
      'features.yaml: edges[0].failure: expected signal: errors',
    ],
    ['a name twice', valid.replace(/(\{.*\})/, '$1, $1'), 'features.yaml: features: expected unique names'],
  ])('rejects %s with file, path and expectation', (_, text, message) => {
    expect(() => parseFeatures('features.yaml', text)).toThrow(message);
  });
});

interface RenderedRules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly { readonly record: string }[] }[];
}

describe('renderRecordingRules', () => {
  const renderedGroups = (text: string) =>
    load(renderRecordingRules(parseFeatures('f', text), { intervalMs: 30_000 })) as RenderedRules;

  it('renders a rule for each channel with its window, and one for each edge feature', () => {
    const text = `${valid}edges: [{ name: e, scale: log, expr: "rate(e[$window])\\n  / rate(f[$window])" }]`;
    const { groups } = renderedGroups(text);
    const record = 'service:lorikeet_feature:window';
    const rule = (window: string, channel: string) => ({
      record,
      expr: `avg_over_time(up[${window}])`,
      labels: { feature: 'up', channel },
    });
    expect(groups.slice(0, 2)).toEqual([
      {
        name: 'lorikeet_service_up',
        interval: '30s',
        rules: [rule('1m', 'red'), rule('5m', 'green'), rule('15m', 'blue')],
      },
      {
        name: 'lorikeet_edge_e',
        interval: '30s',
        rules: [
          { record: 'edge:lorikeet_feature:window', expr: 'rate(e[1m]) / rate(f[1m])', labels: { feature: 'e' } },
        ],
      },
    ]);
  });

  it('renders the unit of each feature of services', () => {
    const { groups } = renderedGroups(valid.replace('scale: ratio', 'scale: ratio, unit: ratio'));
    expect(groups.find(({ name }) => name === 'lorikeet_units')?.rules).toEqual([
      { record: 'feature:lorikeet_feature:unit', expr: 'vector(1)', labels: { feature: 'up', unit: 'ratio' } },
    ]);
  });

  it('renders the graph by calls where there are edges, and of services alone where there are none', () => {
    const records = (text: string) =>
      renderedGroups(text).groups.flatMap(({ name, rules }) =>
        ['lorikeet_onset', 'lorikeet_graph'].includes(name) ? rules.map(({ record }) => record) : [],
      );
    const alone = [
      'service:anomaly_onset:timestamp_seconds',
      'service:lorikeet_graph:relevance',
      'service:lorikeet_graph:node',
    ];
    expect(records(valid)).toEqual(alone);
    expect(records(`${valid}edges: [{ name: e, scale: log, expr: "rate(e[$window])" }]`)).toEqual([
      ...alone,
      'edge:lorikeet_graph:edge',
    ]);
  });

  it('renders the shipped features to the shipped rules', () => {
    const shipped = readFileSync('rules/generated/lorikeet.rules.yaml', 'utf8');
    expect(renderRecordingRules(readFeatures('rules/features.yaml'))).toBe(shipped);
  });
});
