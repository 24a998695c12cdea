import { describe, expect, it } from 'vitest';
import { acceptsGzip, negotiateFormat, toOpenMetrics } from './accept.ts';

/** The Accept headers of Prometheus 2.42, 3.x, 2.42 with native histograms, and 3.x configured to prefer protobuf. */
const PROMETHEUS_2 =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const PROMETHEUS_2_NATIVE =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
const PROTOBUF_FIRST =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1';

describe('negotiateFormat', () => {
  it.each([
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    [PROMETHEUS_2, 'openmetrics'],
    [PROMETHEUS_3, 'openmetrics'],
    [PROTOBUF_FIRST, 'openmetrics'],
    ['application/openmetrics-text', 'openmetrics'],
    ['APPLICATION/OpenMetrics-Text; Version=1.0.0 ; q=0.5', 'openmetrics'],
    ['application/openmetrics-text;version=0.0.1', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=0.2,text/plain;version=0.0.4;q=0.9', 'text'],
    ['application/openmetrics-text;version=1.0.0;q=much', 'text'],
  ])('%s asks for %s', (header, format) => expect(negotiateFormat(header)).toBe(format));
});

describe('negotiateFormat with protobuf offered', () => {
  const offered = ['openmetrics', 'protobuf'] as const;
  it.each([
    [undefined, 'text'],
    ['*/*', 'text'],
    [PROMETHEUS_2, 'openmetrics'],
    [PROMETHEUS_3, 'openmetrics'],
    [PROTOBUF_FIRST, 'protobuf'],
    [PROMETHEUS_2_NATIVE, 'protobuf'],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text', 'text'],
    ['application/vnd.google.protobuf;proto=other;encoding=delimited', 'text'],
    ['application/vnd.google.protobuf;q=0.4,text/plain;version=0.0.4;q=0.5', 'text'],
    ['application/vnd.google.protobuf;q=0', 'text'],
  ])('%s asks for %s', (header, format) => expect(negotiateFormat(header, offered)).toBe(format));
});

describe('acceptsGzip', () => {
  it.each([
    [undefined, false],
    ['', false],
    ['gzip', true],
    ['gzip, deflate, br', true],
    ['GZIP', true],
    ['*', true],
    ['br', false],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['identity, gzip;q=0.5', false],
    ['gzip;q=0.5, identity;q=0.5', true],
  ])('%s: %s', (header, accepts) => expect(acceptsGzip(header)).toBe(accepts));
});

describe('toOpenMetrics', () => {
  it('renames counters only, escapes help, drops blank lines', () => {
    const text =
      '# HELP a_total Said "a" \\\\ twice.\n# TYPE a_total counter\na_total{x="# TYPE a_total counter"} 1\n\n' +
      '# HELP b_total Not a counter.\n# TYPE b_total gauge\nb_total 2\n\n\n' +
      '# HELP c Any.\n# TYPE c untyped\nc 3\n';
    expect(toOpenMetrics(text)).toBe(
      '# HELP a Said \\"a\\" \\\\ twice.\n# TYPE a counter\na_total{x="# TYPE a_total counter"} 1\n' +
        '# HELP b_total Not a counter.\n# TYPE b_total gauge\nb_total 2\n' +
        '# HELP c Any.\n# TYPE c unknown\nc 3\n',
    );
  });
});
