/** One series of an answer: as many timestamps (Unix milliseconds, ascending) as values. */
export interface RangeSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly timestamps: Float64Array;
  readonly values: Float64Array;
}

/** What a query API answered, whatever the status: https://prometheus.io/docs/prometheus/latest/querying/api/ */
export interface Answer {
  readonly status: 'success' | 'error';
  readonly errorType?: string;
  readonly error?: string;
  /** An answer with warnings may be partial. */
  readonly warnings: readonly string[];
}

/** The bytes aren't an answer of the query API. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  readonly code = 'UNPARSABLE';
}

type Point = readonly [number, string];
interface Element {
  readonly metric: Readonly<Record<string, string>>;
  readonly values?: readonly Point[];
  readonly value?: Point;
}
interface Envelope {
  readonly status?: unknown;
  readonly errorType?: string;
  readonly error?: string;
  readonly warnings?: readonly string[];
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
}

// Neither text can stand inside a JSON string, whose own quotes are escaped: so both are found without parsing.
const RESULT = Buffer.from('"result":[{"metric":');
const NEXT = Buffer.from('},{"metric":');
const OPENING = '"result":['.length;

/**
 * Parses the answer series by series, so that neither the text of the whole nor its tree of small arrays is ever
 * in memory: the answer for a fleet has tens of thousands of series. `visit` sees them in the answer's order.
 *
 * @throws AnswerError, possibly after some series were visited. What `visit` throws isn't caught.
 */
export function parseAnswer(body: Buffer, visit: (series: RangeSeries) => void): Answer {
  const at = body.indexOf(RESULT);
  return at < 0 ? parseWhole(body, visit) : parsePiecewise(body, at + OPENING, visit);
}

function parseWhole(body: Buffer, visit: (series: RangeSeries) => void): Answer {
  const envelope = parseJson(body.toString()) as Envelope;
  const { resultType, result } = envelope?.data ?? {};
  if (resultType === 'scalar') visit(toSeries({ metric: {}, values: [result as Point] }));
  else for (const element of (Array.isArray(result) ? result : []) as readonly Element[]) visit(toSeries(element));
  return toAnswer(envelope);
}

function parsePiecewise(body: Buffer, start: number, visit: (series: RangeSeries) => void): Answer {
  let from = start;
  for (let next = body.indexOf(NEXT, from); next >= 0; next = body.indexOf(NEXT, from)) {
    visit(toSeries(parseJson(body.toString('utf8', from, next + 1)) as Element));
    from = next + 2;
  }
  const end = objectEnd(body, from);
  visit(toSeries(parseJson(body.toString('utf8', from, end)) as Element));
  return toAnswer(parseJson(body.toString('utf8', 0, start) + body.toString('utf8', end)) as Envelope);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AnswerError('the answer is not JSON', { cause: error });
  }
}

/** The offset behind the object that opens at `start`. */
function objectEnd(body: Buffer, start: number): number {
  let depth = 0;
  let quoted = false;
  for (let i = start; i < body.length; i++) {
    const byte = body[i];
    if (byte === 0x5c /* backslash */) i++;
    else if (byte === 0x22 /* quote */) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === 0x7b /* { */) depth++;
    else if (byte === 0x7d /* } */ && --depth === 0) return i + 1;
  }
  throw new AnswerError('the answer is cut off');
}

function toAnswer(envelope: Envelope): Answer {
  const { status, errorType, error, warnings } = envelope ?? {};
  if (status !== 'success' && status !== 'error') throw new AnswerError('an answer without a status');
  return {
    status,
    ...(errorType !== undefined && { errorType }),
    ...(error !== undefined && { error }),
    warnings: warnings ?? [],
  };
}

function toSeries(element: Element | null): RangeSeries {
  if (typeof element?.metric !== 'object') throw new AnswerError('a series without its labels');
  // Native histograms come as `histograms`, without `values`: no plain samples then.
  const points = element.values ?? (element.value === undefined ? [] : [element.value]);
  const timestamps = new Float64Array(points.length);
  const values = new Float64Array(points.length);
  for (let i = 0; i < points.length; i++) {
    const point: unknown = points[i];
    if (!Array.isArray(point) || !Number.isFinite(point[0])) throw new AnswerError('not a sample');
    timestamps[i] = Math.round((point[0] as number) * 1000);
    values[i] = parseValue(point[1]);
  }
  return { labels: element.metric, timestamps, values };
}

/** A sample's value as Prometheus writes it: `1e-05`, `NaN`, `+Inf`, `-Inf`. */
export function parseValue(text: unknown): number {
  const value = typeof text === 'string' && text !== '' ? Number(text) : Number.NaN;
  if (!Number.isNaN(value)) return value;
  switch (text) {
    case 'NaN':
      return Number.NaN;
    case '+Inf':
    case 'Inf':
      return Number.POSITIVE_INFINITY;
    case '-Inf':
      return Number.NEGATIVE_INFINITY;
    default:
      throw new AnswerError(`not a sample's value: ${JSON.stringify(text)}`);
  }
}
