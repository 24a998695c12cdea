import { describe, expect, it } from 'vitest';
import { formatBound, formatValue, series, type OwnMetrics } from './exposition.ts';
import { TextExposition } from './text-exposition.ts';

describe('series', () => {
  it.each([
    [['up'], 'up '],
    [['up', ''], 'up '],
    [['up', 'a="1"', '', 'b="2"'], 'up{a="1",b="2"} '],
  ])('renders %o', ([name = '', ...labels], text) => expect(series(name, ...labels)).toBe(text));
});

describe('formatValue', () => {
  it.each([
    [0, '0'],
    [-0, '0'],
    [1.5, '1.5'],
    [0.1 + 0.2, '0.30000000000000004'],
    [9007199254740991, '9007199254740991'],
    [1e21, '1e+21'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [NaN, 'NaN'],
  ])('writes %d as %s', (value, text) => expect(formatValue(value)).toBe(text));
});

describe('formatBound', () => {
  it.each([
    [2 ** -16, '1.52587890625e-05'],
    [2 ** -14, '6.103515625e-05'],
    [2 ** -13, '0.0001220703125'],
    [32, '32'],
    [1e-12, '1e-12'],
    [0, '0'],
  ])('writes %d as Go does, %s', (value, text) => expect(formatBound(value)).toBe(text));
});

/** Metrics of prom-client. */
const own = (text: string): OwnMetrics => ({
  metrics: () => Promise.resolve(text),
  getMetricsAsJSON: () => Promise.resolve([]),
});

describe('TextExposition', () => {
  it('writes a header once and nothing for a family without samples', () => {
    const out = new TextExposition();
    out.family('a_total', 'counter', 'Back\\slash and\nnewline.');
    out.sample(series('a_total', 'x="1"'), 1);
    out.sample(series('a_total', 'x="2"'), 2);
    out.family('b', 'gauge', 'Empty.');
    out.family('c', 'gauge', 'Last.');
    out.sample(series('c'), 3);
    expect(out.toString()).toBe(
      '# HELP a_total Back\\\\slash and\\nnewline.\n# TYPE a_total counter\na_total{x="1"} 1\na_total{x="2"} 2\n' +
        '# HELP c Last.\n# TYPE c gauge\nc 3\n',
    );
    expect(out.count).toBe(3);
  });

  it('writes OpenMetrics', async () => {
    const out = new TextExposition();
    out.family('old', 'gauge', 'Of an answer before.');
    out.begin('openmetrics');
    out.family('a_total', 'counter', 'A "quoted"\nhelp.');
    out.sample(series('a_total', 'x="1"'), 1);
    out.family('b', 'gauge', 'B.');
    out.sample(series('b'), 0.5);
    await out.append(own('# HELP c_total Said "c".\n# TYPE c_total counter\nc_total 3\n\n'));
    out.end();
    expect(out.toString()).toBe(
      '# HELP a A \\"quoted\\"\\nhelp.\n# TYPE a counter\na_total{x="1"} 1\n# HELP b B.\n# TYPE b gauge\nb 0.5\n' +
        '# HELP c Said \\"c\\".\n# TYPE c counter\nc_total 3\n# EOF\n',
    );
    expect(out.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    out.begin('text');
    await out.append(own('# TYPE c_total counter\nc_total 3\n'));
    out.end();
    expect(out.toString()).toBe('# TYPE c_total counter\nc_total 3\n');
  });

  it('rejects a family in two parts, and samples without a family', () => {
    const out = new TextExposition();
    expect(() => out.sample(series('a'), 1)).toThrow('a sample before its family');
    out.family('a', 'gauge', 'A.');
    out.family('b', 'gauge', 'B.');
    expect(() => out.family('a', 'gauge', 'A.')).toThrow('family a started twice');
  });

  it('discards everything written after a mark', () => {
    const out = new TextExposition();
    out.family('a', 'gauge', 'A.');
    out.sample(series('a'), 1);
    const mark = out.mark();
    const before = out.toString();
    out.sample(series('a'), 2);
    out.family('b', 'gauge', 'B.');
    out.sample(series('b'), 2);
    out.rollback(mark);
    expect([out.toString(), out.count]).toEqual([before, 1]);
    out.family('b', 'gauge', 'B.');
    out.sample(series('b'), 4);
    expect(out.toString()).toBe(`${before}# HELP b B.\n# TYPE b gauge\nb 4\n`);
  });
});
