import { describe, expect, it } from 'vitest';
import { ConditionLog, createLogger, type LogFormat } from './logger.ts';

function logged(format: LogFormat, fields: Readonly<Record<string, string | Error>>): string {
  const lines: string[] = [];
  createLogger({ format, write: (line) => void lines.push(line) }).info('a service is new', fields);
  return lines.join('\n');
}

/** What moves a terminal's cursor, colours it, turns its text round or ends a line in some viewer. */
const HOSTILE = 'cart\u001b[31m\u009b2J\r\n\u2028\u202e\ud800\u007f';

describe.each(['logfmt', 'json'] as const)('a line in %s', (format) => {
  it('is one line without invisible characters', () => {
    const line = logged(format, { service: HOSTILE, [HOSTILE]: 'x', error: new Error(HOSTILE) });
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(line).toContain('cart\\u001b[31m\\u009b2J\\r\\n\\u2028\\u202e\\ud800\\u007f');
  });

  it('has at most 4096 characters of a value, and says how many there were', () => {
    const line = logged(format, { path: 'x'.repeat(200_000), ['k'.repeat(200_000)]: 'v' });
    expect(line.length).toBeLessThan(5000);
    expect(line).toContain('x... (200000 characters)');
  });
});

it('a logfmt line is quoted only where it has to be', () => {
  expect(logged('logfmt', { path: '/a/b', service: 'Käse', text: 'a b', empty: '' })).toMatch(
    / path=\/a\/b service=Käse text="a b" empty=""$/,
  );
});

it('a JSON line is JSON', () => {
  expect(JSON.parse(logged('json', { service: HOSTILE }))).toMatchObject({ service: HOSTILE });
});

it('a repeated failure is logged once, and its end', () => {
  const lines: string[] = [];
  const conditions = new ConditionLog(createLogger({ write: (line) => void lines.push(line) }));
  const failing = () => conditions.failing('disk', 'saving failed', new Error('y'.repeat(200_000)));
  failing();
  failing();
  conditions.recovered('disk', 'saving works again');
  conditions.recovered('disk', 'saving works again');
  expect(lines).toHaveLength(2);
});
