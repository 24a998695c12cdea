import { describe, expect, it } from 'vitest';
import { COMMON_FLAGS, firstPositional, type Flags, LOG_FLAGS, parseFlags, renderHelp } from './flags.ts';

const FLAGS = {
  'web.listen-address': { type: 'string', default: ':9400', help: 'Address.' },
  'targets.file': { type: 'string', help: 'File.' },
  limit: { type: 'number', default: 5, help: 'Limit.' },
  edges: { type: 'boolean', default: true, help: 'Edges.' },
  ...LOG_FLAGS,
  ...COMMON_FLAGS,
} as const satisfies Flags;

describe('parseFlags', () => {
  it('has defaults', () => {
    expect(parseFlags([], FLAGS)).toEqual({
      values: {
        'web.listen-address': ':9400',
        'targets.file': undefined,
        limit: 5,
        edges: true,
        'log.level': 'info',
        'log.format': 'logfmt',
        version: false,
        help: false,
      },
      positionals: [],
    });
  });

  it.each([
    [['--targets.file=a=b'], { 'targets.file': 'a=b' }, []],
    [['--targets.file', 'a', 'word'], { 'targets.file': 'a' }, ['word']],
    [['--targets.file='], { 'targets.file': '' }, []],
    [['--limit=-1.5'], { limit: -1.5 }, []],
    [['--limit=1', '--limit=2'], { limit: 2 }, []],
    [['--no-edges'], { edges: false }, []],
    [['--no-edges', '--edges'], { edges: true }, []],
    [['-h'], { help: true }, []],
    [['--help'], { help: true }, []],
    [['--', '--help'], { help: false }, ['--help']],
    [['-'], {}, ['-']],
  ])('reads %o', (argv, values, positionals) => {
    const parsed = parseFlags(argv, FLAGS);
    expect(parsed.values).toMatchObject(values);
    expect(parsed.positionals).toEqual(positionals);
  });

  it.each([
    [['--web.listen-adress=:1'], 'unknown flag --web.listen-adress, did you mean --web.listen-address?'],
    [['--listen-address', ':1'], 'unknown flag --listen-address, did you mean --web.listen-address?'],
    [['--no-edge'], 'unknown flag --no-edge, did you mean --no-edges?'],
    [['--colour=red'], 'unknown flag --colour; --help lists the known ones'],
    [['--toString'], 'unknown flag --toString; --help lists the known ones'],
    [['-x'], 'unknown flag -x; --help lists the known ones'],
    [['--targets.file'], '--targets.file: expected a value, as in --targets.file=...'],
    [['--web.listen-address', '--help'], '--web.listen-address: expected a value, as in --web.listen-address=:9400'],
    [['--edges=yes'], '--edges: expected no value, got "yes"'],
    [['--limit=many'], '--limit: expected a number, got "many"'],
    [['--limit='], '--limit: expected a number, got ""'],
    [['--log.level=loud'], '--log.level: expected debug, info, warn, error, got "loud"'],
  ])('refuses %o', (argv, message) => {
    expect(() => parseFlags(argv, FLAGS)).toThrow(expect.objectContaining({ code: 'USAGE', message }) as Error);
  });
});

it.each([
  [['run'], 0],
  [['--limit', '1', 'run', 'x'], 2],
  [['--limit=1', '--edges', 'run'], 2],
  [['--unknown', 'run'], 1],
  [['--limit', '1'], undefined],
])('the first word of %o that is no flag is at %s', (argv, at) => expect(firstPositional(argv, FLAGS)).toBe(at));

it('help shows short forms and defaults', () => {
  const help = renderHelp('lorikeet-test [flags]', FLAGS);
  expect(help).toContain('  -h, --help\n      Print this help and exit.\n');
  expect(help).toContain('  --web.listen-address=:9400\n      Address.\n');
});
