import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type App, defineCommand, defineProgram, runApp } from './command.ts';
import { ConfigError } from './config-file.ts';
import { type ProgramContext, StopStack } from './lifecycle.ts';
import { createLogger } from './logger.ts';

/** What the program has written to standard output. */
let out = '';
const written = vi.hoisted(() => ({ add: (_text: string): void => {} }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const writeSync = (file: number, bytes: Buffer, start = 0): number => {
    if (file !== 1) return fs.writeSync(file, bytes, start);
    written.add(bytes.toString('utf8', start));
    return bytes.length - start;
  };
  return { ...fs, writeSync };
});
beforeEach(() => {
  out = '';
  written.add = (text) => void (out += text);
});

interface Called {
  readonly abort: AbortController;
  readonly reload: () => void | Promise<void>;
  readonly context: ProgramContext;
}

function contextOf(...argv: readonly string[]): Called {
  const abort = new AbortController();
  let reload: () => void | Promise<void> = () => undefined;
  const context: ProgramContext = {
    name: 'lorikeet-test',
    argv,
    self: ['node', 'lorikeet-test.js'],
    stops: new StopStack(),
    signal: abort.signal,
    onReload: (run) => (reload = run),
  };
  return { abort, context, reload: () => reload() };
}

const FLAGS = { 'config.file': { type: 'string', default: 'a.yaml', help: 'The configuration.' } } as const;
const run = defineCommand({
  usage: 'run [flags]',
  summary: 'score every service',
  flags: FLAGS,
  check: ({ 'config.file': path }) => {
    if (path === 'wrong.yaml') throw new ConfigError('wrong.yaml: no such file');
    return [
      { path, summary: '3 features' },
      { path: 'web.yaml', summary: 'with TLS' },
    ];
  },
  async run(values) {
    out += `ran with ${values['config.file']}\n`;
    return 3;
  },
});
const fault = defineCommand({
  usage: 'fault <service> <type>',
  summary: 'break a service',
  flags: {},
  words: [1, 2],
  run: async (_values, words) => void (out += `broke ${words.join(' and ')}\n`),
});
const VERSION = /^lorikeet-test, version development \(branch: unknown, revision: unknown\)\n {2}node version: /;

describe('a program whose commands have to be named', () => {
  const program = defineProgram({ commands: { run, fault } });
  const call = (...argv: readonly string[]) => program(contextOf(...argv).context);

  it.each([
    [['run'], 3, 'ran with a.yaml\n'],
    [['run', '--config.file=b.yaml'], 3, 'ran with b.yaml\n'],
    [['--config.file', 'b.yaml', 'run'], 3, 'ran with b.yaml\n'],
    [['fault', 'cart', 'crash'], undefined, 'broke cart and crash\n'],
    [['fault', 'run'], undefined, 'broke run\n'],
    [['run', '--config.check'], undefined, 'a.yaml: valid, 3 features\nweb.yaml: valid, with TLS\n'],
  ])('%o', async (argv, status, text) => {
    expect([await call(...argv), out]).toEqual([status, text]);
  });

  it.each([['--help'], ['-h'], ['help']])('%s lists the commands', async (word) => {
    await call(word);
    expect(out).toMatch(/^usage: lorikeet-test <command> \[flags\]\n\nCommands:\n {2}run {4}score every service\n/);
  });

  it.each([['--help'], ['-h']])('run %s lists its flags', async (flag) => {
    await call('run', flag);
    expect(out).toMatch(/^usage: lorikeet-test run \[flags\]\n\nscore every service\n/);
    for (const name of ['--config.file=a.yaml', '--config.check', '--version', '-h, --help'])
      expect(out).toContain(name);
    out = '';
    await call('fault', flag);
    expect(out).not.toContain('--config.check');
  });

  it.each([[['--version']], [['run', '--version']], [['fault', '--version']]])('%o', async (argv) => {
    await call(...argv);
    expect(out).toMatch(VERSION);
  });

  it.each([
    [[], 'no command, expected run, fault'],
    [['rnu'], 'unknown command rnu, did you mean run?'],
    [['sing'], 'unknown command sing, expected run, fault'],
    [['constructor'], 'unknown command constructor, expected run, fault'],
    [['--config.fil', 'a.yaml'], 'unknown flag --config.fil, did you mean --config.file?'],
    [['run', '--config.fil=a.yaml'], 'unknown flag --config.fil, did you mean --config.file?'],
    [['fault', 'cart', '--config.check'], 'unknown flag --config.check; --help lists the known ones'],
    [['run', 'twice'], 'unexpected argument "twice"'],
    [['fault', 'a', 'b', 'c'], 'unexpected argument "c"'],
    [['fault'], 'usage: lorikeet-test fault <service> <type>'],
    [['run', '--config.check', '--config.file=wrong.yaml'], 'wrong.yaml: no such file'],
  ])('refuses %o', async (argv, message) => {
    await expect(call(...argv)).rejects.toThrow(message);
    expect(out).toBe('');
  });
});

describe('a program with a command that needs no name', () => {
  const program = defineProgram({ commands: { fault }, unnamed: run });
  const call = (...argv: readonly string[]) => program(contextOf(...argv).context);

  it.each([
    [[], 3, 'ran with a.yaml\n'],
    [['--config.file=b.yaml'], 3, 'ran with b.yaml\n'],
    [['fault', 'cart'], undefined, 'broke cart\n'],
  ])('%o', async (argv, status, text) => {
    expect([await call(...argv), out]).toEqual([status, text]);
  });

  it('rejects other words', async () => {
    await expect(call('fautl')).rejects.toThrow('unknown command fautl, did you mean fault?');
    await expect(call('serve')).rejects.toThrow('unknown command serve, expected fault');
  });

  it('has help and version', async () => {
    await call('-h');
    expect(out).toContain('--config.file=a.yaml');
    out = '';
    await call('--version');
    expect(out).toMatch(VERSION);
  });
});

describe('runApp', () => {
  class Recorder implements App {
    readonly calls: string[] = [];
    async start() {
      this.calls.push('start');
    }
    async reload() {
      this.calls.push('reload');
    }
    async stop() {
      this.calls.push('stop');
    }
  }
  const quiet = createLogger({ write: () => undefined });

  it('starts an app, reloads it on request, and ends with the signal', async () => {
    const app = new Recorder();
    const { context, abort, reload } = contextOf();
    const running = runApp(app, quiet, context);
    await reload();
    expect(app.calls).toEqual(['start', 'reload']);
    abort.abort('SIGTERM');
    await running;
    await context.stops.stop();
    expect(app.calls).toEqual(['start', 'reload', 'stop']);
  });

  it('stops an app whose start failed', async () => {
    const app = new Recorder();
    app.start = () => Promise.reject(new Error('address in use'));
    const { context } = contextOf();
    await expect(runApp(app, quiet, context)).rejects.toThrow('address in use');
    await context.stops.stop();
    expect(app.calls).toEqual(['stop']);
  });
});
