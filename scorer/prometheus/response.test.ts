import { expect, test } from 'vitest';
import { RESPONSE_LIMITS, ResponseError, ResponseReader, parseValue, type RangeSeries } from './response.ts';

function parse(text: string, chunkBytes = Number.POSITIVE_INFINITY) {
  const series: RangeSeries[] = [];
  const reader = new ResponseReader((one) => void series.push(one));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.push(bytes.subarray(at, at + chunkBytes));
  return { ...reader.end(), series };
}

const matrix = (result: string, rest = '') =>
  `{"status":"success","data":{"resultType":"matrix","result":[${result}]}${rest}}`;

test.each([
  ['0', 0],
  ['-0', -0],
  ['1e-05', 1e-5],
  ['1.7976931348623157e+308', Number.MAX_VALUE],
  ['NaN', Number.NaN],
  ['+Inf', Number.POSITIVE_INFINITY],
  ['Inf', Number.POSITIVE_INFINITY],
  ['-Inf', Number.NEGATIVE_INFINITY],
])('value %s', (text, value) => {
  expect(parseValue(text)).toBe(value);
});

test.each(['', 'nan', 'x', '1,5', '+inf'])('refuses the value %j', (text) => {
  expect(() => parseValue(text)).toThrow(ResponseError);
});

test('series with their times in milliseconds, whatever stands in their labels', () => {
  const labels = [
    { a: '"result":[{"metric":{}}]', b: 'x},{"metric":{' },
    { a: '\\"]]}]}' },
    { a: '\u2028 ü 鸚鵡 \ud83e\udd9c', b: '\\' },
    {},
  ];
  const elements = labels.map((metric) => ({
    metric,
    values: [
      [1435781430.781, '1'],
      [1435781445.781, '+Inf'],
    ],
  }));
  const { series, warnings } = parse(matrix(elements.map((element) => JSON.stringify(element)).join(',')));
  expect(series.map((one) => one.labels)).toEqual(labels);
  for (const { timestamps, values } of series) {
    expect([...timestamps]).toEqual([1435781430781, 1435781445781]);
    expect([...values]).toEqual([1, Number.POSITIVE_INFINITY]);
  }
  expect(warnings).toEqual([]);
});

test('parses compact and indented responses alike', () => {
  const compact = matrix('{"metric":{"a":"1"},"values":[[1,"2"]]},{"metric":{"a":"2"},"values":[[1.5,"NaN"]]}');
  const spaced = JSON.stringify(JSON.parse(compact), null, 2);
  expect(parse(spaced)).toEqual(parse(compact));
});

test.each([1, 2, 7, 64])('parses a response in chunks of %i bytes like one in a single chunk', (size) => {
  const text = matrix(
    '{"metric":{"a":"},{\\"metric\\":","b":"鸚鵡"},"values":[[1,"2"],[2,"3"]]},{"metric":{"a":"2"},"values":[[1.5,"NaN"]]}',
    ',"warnings":["a store is away"]',
  );
  expect(parse(text, size)).toEqual(parse(text));
  expect(parse(text).series).toHaveLength(2);
});

test('parses a long response that does not start as usual', () => {
  const padded = `{"warnings":["${'x'.repeat(200_000)}"],${matrix('{"metric":{"a":"1"},"values":[[1,"2"]]}').slice(1)}`;
  expect(parse(padded, 1000).series).toHaveLength(1);
});

test('what a visitor throws comes out at the end', () => {
  const reader = new ResponseReader(() => {
    throw new Error('no more');
  });
  const bytes = Buffer.from(matrix('{"metric":{},"values":[]},{"metric":{},"values":[]}'));
  expect(() => reader.push(bytes)).not.toThrow();
  expect(() => reader.end()).toThrow('no more');
});

test('vectors, scalars, empty results and native histograms', () => {
  const points = (text: string) =>
    parse(text).series.map(({ labels, timestamps, values }) => [labels, ...timestamps, ...values]);
  expect(
    points('{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1.5,"2"]}]}}'),
  ).toEqual([[{ a: 'b' }, 1500, 2]]);
  expect(points('{"status":"success","data":{"resultType":"scalar","result":[1,"-Inf"]}}')).toEqual([
    [{}, 1000, Number.NEGATIVE_INFINITY],
  ]);
  expect(points(matrix(''))).toEqual([]);
  expect(points(matrix('{"metric":{"a":"b"},"histograms":[[1,{"count":"1"}]]}'))).toEqual([[{ a: 'b' }]]);
});

test('warnings and errors', () => {
  const series = '{"metric":{},"values":[]}';
  expect(parse(matrix(series, ',"warnings":["a store is away"]')).warnings).toEqual(['a store is away']);
  expect(parse('{"status":"error","errorType":"bad_data","error":"no"}')).toEqual({
    status: 'error',
    errorType: 'bad_data',
    error: 'no',
    warnings: [],
    series: [],
  });
});

test('anything else is refused, cut at any byte too', () => {
  const whole = matrix('{"metric":{"a":"1"},"values":[[1,"2"]]},{"metric":{"a":"}"},"values":[[1,"2"]]}');
  for (let length = 0; length < whole.length; length++) {
    expect(() => parse(whole.slice(0, length)), whole.slice(0, length)).toThrow(ResponseError);
  }
  for (const text of [
    '<html>',
    'null',
    '[]',
    '{}',
    '{"status":"maybe"}',
    '{"status":"success","data":{"resultType":"scalar"}}',
    matrix('null'),
    matrix('{"metric":{},"values":[1]}'),
    matrix('{"metric":{},"values":[[1,"x"]]}'),
  ]) {
    expect(() => parse(text), text).toThrow(ResponseError);
  }
});

const HEAD = '{"status":"success","data":{"resultType":"matrix","result":[';
test.each([
  ['a series', `${HEAD}{"metric":{},"values":[`, '[1,"2"],'],
  ['a label', `${HEAD}{"metric":{"a":"`, 'x'],
  ['a nesting', `${HEAD}{"metric":{},"values":[`, '['],
  ['a start', '{"warnings":["', 'x'],
  ['a start of nesting', '', '['],
  ['an end', `${HEAD}{"metric":{},"values":[]}],"x":"`, 'x'],
])('takes no more of %s without end than fits', (_what, start, unit) => {
  for (const chunkBytes of [100, 65_536]) {
    const reader = new ResponseReader(() => undefined);
    const chunk = Buffer.from(unit.repeat(chunkBytes / unit.length));
    let taken = 0;
    for (reader.push(Buffer.from(start)); reader.push(chunk); taken += chunk.length);
    expect(taken).toBeLessThanOrEqual(RESPONSE_LIMITS.wholeBytes);
    expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  }
});

test('refuses labels that are too long, and values of labels that are no text', () => {
  const label = (length: number) => matrix(`{"metric":{"a":"${'x'.repeat(length)}"},"values":[]}`);
  expect(parse(label(RESPONSE_LIMITS.labelChars - 1)).series).toHaveLength(1);
  expect(() => parse(label(RESPONSE_LIMITS.labelChars))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }));
  expect(() => parse(matrix('{"metric":{"a":{}},"values":[]}'))).toThrow(ResponseError);
});

test('keeps the start of an error, and of some warnings', () => {
  const long = 'x'.repeat(5000);
  const { error = '' } = parse(`{"status":"error","error":"${long}"}`);
  expect(error.length).toBeLessThan(1100);
  const { warnings } = parse(matrix('', `,"warnings":${JSON.stringify(Array.from({ length: 99 }, () => long))}`));
  expect(warnings).toHaveLength(20);
  expect(warnings[0]?.length).toBeLessThan(1100);
});
