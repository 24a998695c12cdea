import { describe, expect, it } from 'vitest';
import { parseYaml, YamlError } from './parse-yaml.ts';

const list = (length: number, item: string) => `[${Array<string>(length).fill(item).join()}]`;

/** Each line is ten times the one before. */
const laughs = (levels: number) =>
  Array.from({ length: levels }, (_, at) => `a${at}: &a${at} ${list(10, at === 0 ? 'x' : `*a${at - 1}`)}`).join('\n');

const nested = (levels: number, inner: string) => `${'['.repeat(levels)}${inner}${']'.repeat(levels)}`;

describe('parseYaml', () => {
  it.each<[string, string, unknown]>([
    ['a mapping', 'a: 1', { a: 1 }],
    ['nothing', '', undefined],
    ['comments and markers alone', '---\n# a\n  # b\n...\n', undefined],
    ['aliases', 'a: &a [1, 2]\nb: *a', { a: [1, 2], b: [1, 2] }],
    ['many small aliases of one text', `a: &a ${'x'.repeat(50)}\nb: ${list(100, '*a')}`, expect.anything()],
    ['99 levels', nested(99, ''), expect.anything()],
  ])('reads %s', (_, text, value) => {
    expect(parseYaml(text)).toEqual(value);
  });

  it.each<[string, string, string]>([
    ['aliases of aliases', laughs(6), 'its aliases multiply its content too often'],
    ['a long text, many times', `a: &a ${'x'.repeat(20_000)}\nb: ${list(100, '*a')}`, 'multiply'],
    ['a list in itself', 'a: &a [*a]', 'contains itself'],
    ['100 levels', nested(100, ''), 'maxDepth'],
    ['270 levels by aliases', `a: &a ${nested(90, '')}\nb: &b ${nested(90, '*a')}\nc: ${nested(90, '*b')}`, 'levels'],
    ['more aliases than anybody writes', `a: &a 1\nb: ${list(10_001, '*a')}`, 'not valid YAML'],
    ['seventeen million characters', ' '.repeat(17_000_000), 'larger than'],
    ['an open list', 'a: [', 'not valid YAML'],
  ])('refuses %s', (_, text, reason) => {
    expect(() => parseYaml(text)).toThrow(YamlError);
    expect(() => parseYaml(text)).toThrow(reason);
  });

  it('says where a text is wrong, without any of it', () => {
    expect(() => parseYaml('a: 1\npassword: *hunter2\n')).toThrow(/^not valid YAML: .*\(2:\d+\)$/);
    expect(() => parseYaml('a: 1\npassword: *hunter2\n')).not.toThrow(/hunter2/);
  });
});
