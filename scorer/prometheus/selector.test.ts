import { expect, test } from 'vitest';
import { equalTo, readMatchers, selectorOf, selectorOfAll } from './selector.ts';

test.each([
  ['{cluster="a"}', 'cluster="a"'],
  [' { cluster = "a" , env =~ "prod|st{a}ge", } ', 'cluster="a",env=~"prod|st{a}ge"'],
  ["{a!='b',c!~`d\\`}", "a!='b',c!~`d\\`"],
  ['{a="}\\",b=\\""}', 'a="}\\",b=\\""'],
])('reads %s', (selector, matchers) => {
  expect(readMatchers(selector)).toBe(matchers);
});

test.each([
  '',
  '{}',
  'up{a="b"}',
  '{a="b"',
  'a="b"',
  '{a="b" c="d"}',
  '{a=b}',
  '{__name__="x"}',
  '{a="b"} or x{c="d"}',
])('refuses %j', (selector) => {
  expect(readMatchers(selector)).toBeUndefined();
});

test('selectors', () => {
  expect(selectorOf('up')).toBe('up');
  expect(selectorOf('up', '', 'a="b"', 'c="d"')).toBe('up{a="b",c="d"}');
  expect(selectorOfAll(['a:b', 'c'], 'd="e"')).toBe('{__name__=~"a:b|c",d="e"}');
  expect(equalTo({ a: 'x"\\', b: 'y' })).toBe('a="x\\"\\\\",b="y"');
});
