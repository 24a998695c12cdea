import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string };

const PROGRAMS = {
  'lorikeet-exporter': ['check'],
  'lorikeet-scorer': ['run', 'train', 'backtest', 'doctor', 'rules', 'dashboards'],
  'lorikeet-sim': ['up', 'down', 'status', 'fault', 'inject', 'load', 'record'],
} as const;

function run(program: string, ...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`dist/${program}.js`, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe.each(Object.entries(PROGRAMS))('%s', (program, commands) => {
  const places = [[], ...commands.map((command) => [command])];

  it('prints its version for --version in any position', () => {
    const first = new RegExp(
      `^${program}, version ${version} \\(branch: \\S+, revision: (unknown|[0-9a-f]{40}(-modified)?)\\)\\n`,
    );
    const rest = `  node version:     ${process.version}\n  platform:         linux/${process.arch}\n`;
    for (const place of places) {
      const { status, stdout, stderr } = run(program, ...place, '--version');
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(first);
      expect(stdout.replace(first, '')).toBe(rest);
    }
  });

  it('prints the same help for --help and -h', () => {
    for (const place of places) {
      const long = run(program, ...place, '--help');
      expect(long).toMatchObject({ status: 0, stderr: '' });
      expect(long.stdout).toMatch(new RegExp(`^usage: ${[program, ...place].join(' ')} `));
      expect(run(program, ...place, '-h')).toEqual(long);
    }
    for (const command of commands) expect(run(program, '--help').stdout).toContain(command);
  });

  it.each([
    [['--log.levle=info'], 'unknown flag --log.levle, did you mean --log.level?'],
    [['--versoin'], 'unknown flag --versoin, did you mean --version?'],
    [[`${commands[0]}x`], `unknown command ${commands[0]}x, did you mean ${commands[0]}?`],
    [['nonsense'], `unknown command nonsense, expected ${commands.join(', ')}`],
    [[commands[0], '--hepl'], 'unknown flag --hepl, did you mean --help?'],
    [[commands[0], 'superfluous'], 'unexpected argument "superfluous"'],
  ])('rejects %o in one line, status 2', (args, message) => {
    expect(run(program, ...args)).toEqual({ status: 2, stdout: '', stderr: `${program}: ${message}\n` });
  });
});

it.each(['lorikeet-scorer', 'lorikeet-sim'] as const)('%s requires a command', (program) => {
  const stderr = `${program}: no command, expected ${PROGRAMS[program].join(', ')}\n`;
  expect(run(program)).toEqual({ status: 2, stdout: '', stderr });
});

it.each([
  [
    'lorikeet-exporter',
    ['--web.listen-adress=:1'],
    'unknown flag --web.listen-adress, did you mean --web.listen-address?',
  ],
  ['lorikeet-exporter', ['--config.check'], '--config.check: expected --targets.file or --web.config.file as well'],
  ['lorikeet-exporter', ['check', '--format=xml'], '--format: expected text, json, got "xml"'],
  [
    'lorikeet-scorer',
    ['run', '--web.listen-adress=:1'],
    'unknown flag --web.listen-adress, did you mean --web.listen-address?',
  ],
  ['lorikeet-scorer', ['rules', '--interval=soon'], '--interval: expected a duration such as 30s, got "soon"'],
  ['lorikeet-sim', ['fault', 'cart', '--claer'], 'unknown flag --claer, did you mean --clear?'],
])('%s %o: %s', (program, args, message) => {
  expect(run(program, ...args)).toEqual({ status: 2, stdout: '', stderr: `${program}: ${message}\n` });
});

describe('standard streams', () => {
  /** Runs a command line in which `$program` is the exporter. */
  const shell = (command: string) => {
    const line = command.replaceAll('$program', `"${process.execPath}" dist/lorikeet-exporter.js`);
    const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { encoding: 'utf8' });
    return { status, stdout, stderr };
  };

  it.each([
    [
      'a full disk',
      '$program --help >/dev/full',
      1,
      'cannot write to standard output: ENOSPC: no space left on device',
    ],
    ['an unknown flag and a full disk', '$program --nonsense 2>/dev/full', 2, ''],
    ['a reader that has exited', '{ sleep 0.5; $program --help; } | true; exit "${PIPESTATUS[0]}"', 141, ''],
    ['closed standard output', '$program --help >&-', 0, ''],
    ['closed standard error', '$program --nonsense 2>&-', 2, ''],
  ])('%s: %s ends with %d', (_, command, status, message) => {
    const result = shell(command);
    expect(result).toMatchObject({ status, stdout: '' });
    if (message === '') expect(result.stderr).toBe('');
    else expect(result.stderr).toMatch(new RegExp(`^lorikeet-exporter: ${message}.*\\n$`));
  });
});
