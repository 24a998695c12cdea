/** Content type of Prometheus' text format. */
export const TEXT_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Content type of OpenMetrics, https://prometheus.io/docs/specs/om/open_metrics_spec/ */
export const OPENMETRICS_CONTENT_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Content type of delimited messages of Prometheus' metrics.proto, as of https://github.com/prometheus/client_model */
export const PROTOBUF_CONTENT_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

export type ExpositionFormat = 'text' | 'openmetrics' | 'protobuf';

interface Accepted {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  /** 0..1; 0 means never. */
  readonly weight: number;
}

/** The items of a header such as Accept or Accept-Encoding (RFC 9110, 12.4), in the order given. */
function parseAccepted(header: string): readonly Accepted[] {
  return header.split(',').map((item) => {
    const [value = '', ...rest] = item.split(';').map((part) => part.trim().toLowerCase());
    const parameters = new Map(
      rest.map((part): [string, string] => {
        const equals = part.indexOf('=');
        const name = equals === -1 ? part : part.slice(0, equals).trim();
        return [name, equals === -1 ? '' : part.slice(equals + 1).trim()];
      }),
    );
    const weight = Number(parameters.get('q') ?? 1);
    return { value, parameters, weight: weight >= 0 && weight <= 1 ? weight : 0 };
  });
}

/** True if the client prefers gzip to no compression. */
export function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  const items = parseAccepted(header);
  const weightOf = (name: string) => items.find((item) => item.value === name)?.weight;
  const gzip = weightOf('gzip') ?? weightOf('*') ?? 0;
  return gzip > 0 && gzip >= (weightOf('identity') ?? 0);
}

/**
 * The format requested by a scrape's Accept header, one of those `offered` or text: OpenMetrics or protobuf only if it is
 * named with a weight not below that of the others, as Prometheus does; text for browsers and curl.
 */
export function negotiateFormat(
  header: string | undefined,
  offered: readonly ExpositionFormat[] = ['openmetrics'],
): ExpositionFormat {
  if (header === undefined) return 'text';
  const items = parseAccepted(header);
  const weightOf = (type: string, parameters: Readonly<Record<string, string>>) =>
    Math.max(
      0,
      ...items.filter((item) => item.value === type && matches(item, parameters)).map(({ weight }) => weight),
    );
  const weights: Readonly<Record<ExpositionFormat, number>> = {
    protobuf: weightOf('application/vnd.google.protobuf', PROTOBUF_PARAMETERS),
    openmetrics: weightOf('application/openmetrics-text', { version: '1.0.0' }),
    text: weightOf('text/plain', { version: '0.0.4' }),
  };
  let best: ExpositionFormat = 'text';
  for (const format of offered) if (weights[format] > 0 && weights[format] >= weights[best]) best = format;
  return best;
}

/** In lower case, like what is parsed. */
const PROTOBUF_PARAMETERS = { proto: 'io.prometheus.client.metricfamily', encoding: 'delimited' };

/** True if an item has no other values for `parameters`. */
function matches(item: Accepted, parameters: Readonly<Record<string, string>>): boolean {
  return Object.entries(parameters).every(([name, value]) => (item.parameters.get(name) ?? value) === value);
}

/**
 * Converts families from Prometheus' text format to OpenMetrics, without `# EOF`: removes `_total` from the names of
 * counter families, escapes quotes in help, removes blank lines. Samples must not have timestamps, and all counters
 * must be named `..._total`.
 */
export function toOpenMetrics(text: string): string {
  return text
    .replaceAll(/^# HELP (\S+)_total( .*)?\n# TYPE \1_total counter$/gm, '# HELP $1$2\n# TYPE $1 counter')
    .replaceAll(/^# HELP \S+ .*$/gm, (line) => line.replaceAll('"', '\\"'))
    .replaceAll(/^# TYPE (\S+) untyped$/gm, '# TYPE $1 unknown')
    .replaceAll(/\n{2,}/g, '\n');
}
