import { afterAll, expect, test } from 'vitest';
import { Bench, LONELY_SCORER } from '../bench.ts';
import type { Program } from '../../running-program.ts';
import { keeps, record } from '../table/keeps.ts';

const bench = new Bench();
afterAll(() => bench.remove());

/** A text of a few hundred bytes that stands for thousands of millions of values. */
function laughs(levels: number, key: string): string {
  const names = Array.from({ length: levels }, (_, at) => `a${at}`);
  const lines = names.map((name, at) => {
    const inner = at === 0 ? 'x' : `*a${at - 1}`;
    return `${name}: &${name} [${Array.from({ length: 10 }, () => inner).join(',')}]`;
  });
  return `${lines.join('\n')}\n${key}: *a${levels - 1}\n`;
}

/** As `laughs`, of mappings. */
function laughingMappings(levels: number, key: string): string {
  return laughs(levels, key)
    .replaceAll(/([x*]\w*),/g, '$1,')
    .replaceAll(
      /\[(.*)\]/g,
      (_, list: string) =>
        `{${list
          .split(',')
          .map((one, at) => `k${at}: ${one} `)
          .join(',')}}`,
    );
}

const FILES: readonly (readonly [string, Program, string, (file: string) => readonly string[]])[] = [
  ['scorer.yaml', 'scorer', 'prometheus', (file) => ['run', '--config.check', `--config.file=${file}`]],
  [
    'web.yaml of the scorer',
    'scorer',
    'basic_auth_users',
    (file) => ['run', '--config.check', `--config.file=${ok()}`, `--web.config.file=${file}`],
  ],
  [
    'web.yaml of the exporter',
    'exporter',
    'basic_auth_users',
    (file) => ['--config.check', `--web.config.file=${file}`],
  ],
  ['targets.yaml', 'exporter', 'targets', (file) => ['--config.check', `--targets.file=${file}`]],
  ['a kubeconfig', 'exporter', 'users', (file) => ['--kubernetes.node-name=n', `--kubernetes.kubeconfig=${file}`]],
  ['features.yaml', 'scorer', 'features', (file) => ['rules', `--features.file=${file}`]],
  [
    'the base of features.yaml',
    'scorer',
    'features',
    (file) => ['rules', `--features.file=${bench.write('own.yaml', `extends: ${file.split('/').at(-1)}\n`)}`],
  ],
  ['faults.json', 'scorer', 'faults', (file) => backtest(`--faults=${file}`)],
  ['a rule file', 'scorer', 'groups', (file) => backtest(`--alerts.file=${file}`)],
];

function ok(): string {
  return bench.write('ok.yaml', LONELY_SCORER);
}

function backtest(...more: readonly string[]): string[] {
  return ['backtest', `--config.file=${ok()}`, '--from=2h', '--to=1h', ...more];
}

test.each(FILES)(
  'nested aliases in %s are refused before anybody follows them',
  keeps('yaml_aliases'),
  (_name, program, key, args) => {
    for (const text of [laughs(9, key), laughingMappings(9, key)]) {
      const startedMs = performance.now();
      const { status, stderr } = bench.run(program, args(bench.write('hostile.yaml', text)), 'ulimit -v 30000000');
      record({ seconds: (performance.now() - startedMs) / 1000 });
      expect(status, stderr).toBe(2);
      expect(stderr).toContain('hostile.yaml');
      expect(stderr).toContain('its aliases multiply its content too often');
      expect(stderr.length).toBeLessThan(2000);
    }
  },
);

test.each(FILES)(
  'an alias that contains itself in %s is refused',
  keeps('yaml_aliases'),
  (_name, program, key, args) => {
    const { status, stderr } = bench.run(program, args(bench.write('hostile.yaml', `${key}: &a [*a, { b: *a }]\n`)));
    expect(status, stderr).toBe(2);
    expect(stderr).toContain('an alias contains itself');
  },
);

test.each(FILES)(
  'sixteen megabytes and more in %s are refused unread',
  keeps('yaml_aliases'),
  (_name, program, key, args) => {
    const file = bench.write('hostile.yaml', `${key}: ${' '.repeat(17 * 2 ** 20)}x\n`);
    const { status, stderr } = bench.run(program, args(file));
    expect(status, stderr).toBe(2);
    expect(stderr).toContain('more than 16777216 bytes');
  },
);

test.each(FILES)('a line of a million blanks in %s is no work', keeps('yaml_aliases'), (_name, program, key, args) => {
  const { status, stderr } = bench.run(
    program,
    args(bench.write('hostile.yaml', `${' '.repeat(1_000_000)}x: ${key}\n`)),
  );
  expect(status, stderr).toBe(2);
});

test('aliases that say little more than their text are used', keeps('yaml_aliases'), () => {
  const path = bench.write('few.yaml', 'targets:\n- &a { namespace: shop, service: cart }\n- *a\n- *a\n');
  const { status, stdout } = bench.run('exporter', ['--config.check', `--targets.file=${path}`]);
  expect([status, stdout]).toEqual([0, `${path}: valid, 3 targets\n`]);
});
