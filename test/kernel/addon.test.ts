import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BpfError, BpfObject, defaultObjectPath } from '../../native/index.ts';
import type { OpenOptions } from '../../native/index.ts';
import { compileBpf } from './bpf/compile.ts';
import { lostOf } from './bpf/rows.ts';
import { withSandbox } from './sandbox/sandbox.ts';
import { until } from '../until.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const ADDON = join(HERE, '../../dist/lorikeet_native.node');
/** A name (at most 15 characters) unique to this process: others may load the same programs. */
const PROGRAM = `lk_${process.pid}`;

let folder: string;
let object: string;

const compile = (source: string) => compileBpf(source, folder, `-DPROGRAM=${PROGRAM}`);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-addon-'));
  object = compile('addon.bpf.c');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function withObject<T>(options: OpenOptions, work: (bpf: BpfObject) => T): T {
  const bpf = BpfObject.open(object, options);
  try {
    return work(bpf);
  } finally {
    bpf.close();
  }
}

function failureOf(action: () => unknown): BpfError {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(BpfError);
    return error as BpfError;
  }
  throw new Error('expected a BpfError');
}

/** Number of programs with this name in the kernel. */
function programsLoaded(): number {
  const bpftool = execFileSync('bpftool', ['-j', 'prog', 'show'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
    maxBuffer: 1 << 26,
  });
  return (JSON.parse(bpftool) as { name?: string }[]).filter(({ name }) => name === PROGRAM).length;
}

/** The kernel frees a program a moment after its last reference. */
const untilNoneIsLoaded = () => until('the programs to go', () => programsLoaded() === 0 || undefined);
const openFiles = () => readdirSync('/proc/self/fd').length;

describe('open', () => {
  test('loads the programs whose hook the kernel has, in the variant for this kernel', () => {
    withObject({}, (bpf) => {
      expect(bpf.programs).toEqual([PROGRAM]);
      expect(bpf.maps).toContain('seen');
      for (const left of ['hook', 'function', 'tracepoint', 'parameters']) {
        const failure = failureOf(() => bpf.attach(`${left}_of_another_kernel`));
        expect(failure, left).toMatchObject({ code: 'BPF_ATTACH', errno: 'ENOENT' });
      }
    });
  });

  test('does not load disabled programs', () => {
    withObject({ disabled: [PROGRAM] }, (bpf) => {
      expect(bpf.programs).toEqual([]);
      expect(failureOf(() => bpf.attach(PROGRAM)).message).toBe(`${object}: program ${PROGRAM}: not loaded`);
    });
  });

  test('sets tunables of every width for the programs', async () => {
    const constants = { small: 255, negative: -3, medium: 0xffff_ffff, large: 2n ** 64n - 1n };
    const bpf = BpfObject.open(object, { constants });
    try {
      bpf.attach(PROGRAM);
      const words = () => {
        const { values } = bpf.map('seen').read();
        return Array.from({ length: 5 }, (_, i) => values.readBigUInt64LE(i * 8));
      };
      const seen = await until('a run of the program', () => {
        const [small, negative, medium, large, runs = 0n] = words();
        return runs > 0n ? [small, negative, medium, large] : undefined;
      });
      expect(seen).toEqual([255n, 2n ** 64n - 3n, 0xffff_ffffn, 2n ** 64n - 1n]);
    } finally {
      bpf.close();
    }
  });

  test.each([
    { options: { constants: { none: 1 } }, errno: 'ENOENT', message: 'constants: no tunable none' },
    { options: { constants: { small: 256 } }, errno: 'ERANGE', message: 'constants.small: more than 8 bits' },
    { options: { constants: { negative: -32769 } }, errno: 'ERANGE', message: 'constants.negative: more than 16 bits' },
    { options: { maxEntries: { none: 1 } }, errno: 'ENOENT', message: 'maxEntries: no map none' },
    { options: { disabled: ['none'] }, errno: 'ENOENT', message: 'disabled: no program none' },
  ])('refuses $options', ({ options, errno, message }) => {
    const failure = failureOf(() => BpfObject.open(object, options));
    expect(failure).toMatchObject({ code: 'BPF_OPEN', errno, message: `${object}: ${message}` });
  });

  test('names a missing file, and one that is not an object', () => {
    const missing = failureOf(() => BpfObject.open('/nowhere.o'));
    expect(missing).toMatchObject({ code: 'BPF_OPEN', errno: 'ENOENT', name: 'BpfError' });
    expect(missing.message).toBe('/nowhere.o: No such file or directory');
    expect(failureOf(() => BpfObject.open('/etc/passwd'))).toMatchObject({
      code: 'BPF_OPEN',
      errno: 'LIBBPF_ERRNO__FORMAT',
    });
  });

  test('a program that the verifier refuses is not loaded, and its log is returned', () => {
    const bpf = BpfObject.open(compile('refused.bpf.c'));
    try {
      expect(bpf.programs).toEqual([PROGRAM]);
      expect([...bpf.refused.keys()]).toEqual(['unchecked']);
      const refusal = bpf.refused.get('unchecked');
      expect(refusal).toBeInstanceOf(BpfError);
      expect(refusal).toMatchObject({ code: 'BPF_LOAD', errno: 'EACCES' });
      expect(refusal?.message).toMatch(/refused\.bpf\.o: program unchecked: Permission denied$/);
      expect(refusal?.verifierLog).toContain("invalid mem access 'map_value_or_null'");
      expect(failureOf(() => bpf.attach('unchecked'))).toMatchObject({ code: 'BPF_ATTACH', errno: 'ENOENT' });
      expect(failureOf(() => bpf.run('unchecked'))).toMatchObject({ code: 'BPF_RUN', errno: 'ENOENT' });
      bpf.attach(PROGRAM);
      expect(bpf.programStats().map(({ name }) => name)).toEqual([PROGRAM]);
    } finally {
      bpf.close();
    }
    withObject({}, ({ refused }) => expect(refused.size).toBe(0));
  });

  test('a map that the kernel refuses only affects the programs that use it', () => {
    const bpf = BpfObject.open(compile('refused.bpf.c'), { maxEntries: { values: 2 ** 32 - 1 } });
    try {
      expect(bpf.programs).toEqual([PROGRAM]);
      expect(bpf.refused.get('unchecked')?.message).toMatch(/: program unchecked: map values: .+$/);
      expect(bpf.refused.get('unchecked')).not.toHaveProperty('verifierLog');
      expect(failureOf(() => bpf.map('values').read()).code).toBe('BPF_MAP');
      expect(bpf.maps).not.toContain('values');
    } finally {
      bpf.close();
    }
  });
});

test('signals during verification neither fail a load nor get lost', async () => {
  // A worker sends them as fast as it can: unless the addon blocks them, nearly every load of the object fails.
  const script = `
    const { Worker } = require('node:worker_threads');
    const addon = require(process.argv[1]);
    addon.setErrorClass(Error);
    let signals = 0;
    process.on('SIGUSR2', () => signals++);
    const send = 'const { workerData, parentPort } = require("node:worker_threads"); parentPort.postMessage("");' +
      'while (!Atomics.load(workerData, 0)) process.kill(process.pid, "SIGUSR2");';
    const stop = new Int32Array(new SharedArrayBuffer(4));
    new Worker(send, { eval: true, workerData: stop }).once('message', () => {
      for (let i = 0; i < 10; i++) new addon.BpfObject(process.argv[2], [], [], []).close();
      Atomics.store(stop, 0, 1);
      const answer = () => (signals > 0 ? console.log('both') : setTimeout(answer, 5));
      answer();
    });
  `;
  const child = spawn(process.execPath, ['-e', script, ADDON, defaultObjectPath()], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
  const [status] = (await once(child, 'close')) as [number | null];
  expect([status, output]).toEqual([0, 'both\n']);
});

describe('maps', () => {
  const key = (n: number) => Buffer.from(Uint32Array.of(n).buffer);
  const value = (n: bigint) => Buffer.from(BigUint64Array.of(n).buffer);

  test('rows of a plain map are written, read and deleted', () => {
    withObject({ maxEntries: { plain: 300 } }, (bpf) => {
      const map = bpf.map('plain');
      expect(map).toMatchObject({ name: 'plain', keySize: 4, valueSize: 8, capacity: 300 });
      for (let n = 0; n < 300; n++) map.update(key(n), value(BigInt(n) * 7n));
      expect(failureOf(() => map.update(key(300), value(0n)))).toMatchObject({ code: 'BPF_MAP', errno: 'E2BIG' });
      const { count, keys, values } = map.read();
      expect(count).toBe(300);
      const rows = Array.from({ length: count }, (_, i) => [keys.readUInt32LE(i * 4), values.readBigUInt64LE(i * 8)]);
      rows.sort(([a], [b]) => Number(a) - Number(b));
      expect(rows).toEqual(Array.from({ length: 300 }, (_, n) => [n, BigInt(n) * 7n]));
      expect(map.delete(key(5))).toBe(true);
      expect(map.delete(key(5))).toBe(false);
      expect(map.read().count).toBe(299);
    });
  });

  test('a map without batch support in the kernel is read row by row', () => {
    withObject({}, (bpf) => {
      const map = bpf.map('devices');
      expect(map.read().count).toBe(0);
      for (let n = 0; n < 64; n++) map.update(key(n * 1000), key(1));
      const { count, keys, values } = map.read();
      const read = Array.from({ length: count }, (_, i) => keys.readUInt32LE(i * 4)).sort((a, b) => a - b);
      expect(read).toEqual(Array.from({ length: 64 }, (_, n) => n * 1000));
      expect(values.equals(Buffer.concat(Array.from({ length: 64 }, () => key(1))))).toBe(true);
    });
  });

  test('operations that a map does not support are rejected', () => {
    withObject({}, (bpf) => {
      expect(failureOf(() => bpf.map('none'))).toMatchObject({ code: 'BPF_MAP', errno: 'ENOENT' });
      expect(failureOf(() => bpf.map('plain').readSums())).toMatchObject({ code: 'BPF_MAP', errno: 'EINVAL' });
      expect(failureOf(() => bpf.map('counters').read())).toMatchObject({ code: 'BPF_MAP', errno: 'EINVAL' });
      expect(failureOf(() => bpf.map('half_words').readSums())).toMatchObject({ code: 'BPF_MAP', errno: 'EINVAL' });
      const row = [key(1), value(1n)] as const;
      expect(failureOf(() => bpf.map('counters').update(...row))).toMatchObject({ code: 'BPF_MAP', errno: 'EINVAL' });
      expect(() => bpf.map('plain').update(key(1), key(1))).toThrow(RangeError);
      expect(() => bpf.map('plain').delete(value(1n))).toThrow(RangeError);
    });
  });

  test.each([
    { full: ['services', 'cgroups'], rows: ['services'] },
    { full: ['edges', 'cgroups'], rows: ['edges'] },
  ])('full maps $full count losses, and the others continue', async ({ full, rows }) => {
    const small = Object.fromEntries(full.map((map) => [map, 1]));
    const bpf = BpfObject.open(defaultObjectPath(), { maxEntries: small });
    try {
      for (const program of bpf.programs) bpf.attach(program);
      await withSandbox(async (sandbox) => {
        const host = '127.0.0.1';
        const running = await sandbox.start(sandbox.childCgroup('server'), 'http-server.mjs', { host });
        const other = await sandbox.start(sandbox.childCgroup('other'), 'http-server.mjs', { host });
        for (const { ready } of [running, other]) {
          const { port } = ready as { port: number };
          await sandbox.run(sandbox.cgroup, 'http-client.mjs', { host, port, single: 3 });
        }
        await running.stop();
      });
      for (const map of full) {
        expect(bpf.map(map).capacity).toBe(1);
        expect(lostOf(bpf, map), map).toBeGreaterThan(0);
      }
      for (const map of rows) expect(bpf.map(map).readSums().count).toBe(1);
      for (const map of ['services', 'edges']) {
        if (!full.includes(map)) expect(bpf.map(map).readSums().count).toBeGreaterThan(0);
      }
    } finally {
      bpf.close();
    }
  });
});

describe('readIterator', () => {
  const withAll = async (work: (bpf: BpfObject) => Promise<void>) => {
    const bpf = BpfObject.open(compile('iterator.bpf.c'));
    try {
      for (const program of bpf.programs) bpf.attach(program);
      await work(bpf);
    } finally {
      bpf.close();
    }
  };

  test('returns the output of the program, repeatedly and concurrently', () =>
    withAll(async (bpf) => {
      const before = openFiles();
      const passes = Array.from({ length: 20 }, () => bpf.readIterator(PROGRAM));
      for (const rows of await Promise.all(passes)) {
        const pids = Array.from({ length: rows.length / 4 }, (_, index) => rows.readUInt32LE(index * 4));
        expect(pids).toContain(process.pid);
        expect(pids).toContain(process.ppid);
      }
      expect(openFiles()).toBe(before);
    }));

  test('continues to its end when the object is closed', async () => {
    let rows: Promise<Buffer> | undefined;
    await withAll(async (bpf) => {
      rows = bpf.readIterator(PROGRAM);
    });
    expect((await rows)?.length).toBeGreaterThan(0);
  });

  test('rejects programs that are not attached iterators', () =>
    withAll(async (bpf) => {
      expect(failureOf(() => bpf.readIterator('none'))).toMatchObject({ code: 'BPF_ITERATOR', errno: 'ENOENT' });
      expect(failureOf(() => bpf.readIterator('hooked'))).toMatchObject({
        code: 'BPF_ITERATOR',
        errno: 'EINVAL',
      });
      bpf.close();
      expect(failureOf(() => bpf.readIterator(PROGRAM)).code).toBe('BPF_CLOSED');
    }));

  test('a worker thread may be terminated while it reads', async () => {
    const script = `
      const { parentPort } = require('node:worker_threads');
      const addon = require(${JSON.stringify(ADDON)});
      addon.setErrorClass(Error);
      const bpf = new addon.BpfObject(process.env.OBJECT, [], [], []);
      bpf.attach(${JSON.stringify(PROGRAM)});
      const again = () => bpf.readIterator(${JSON.stringify(PROGRAM)}).then(again);
      for (let i = 0; i < 8; i++) again();
      parentPort.postMessage('reading');
    `;
    const before = openFiles();
    const worker = new Worker(script, { eval: true, env: { ...process.env, OBJECT: compile('iterator.bpf.c') } });
    await once(worker, 'message');
    await worker.terminate();
    expect(openFiles()).toBe(before);
  });
});

describe('run', () => {
  test('runs a program without a hook repeatedly; attaching it runs it once', () => {
    const bpf = BpfObject.open(compile('on-demand.bpf.c'));
    const runs = () => bpf.map('runs').read().values.readBigUInt64LE();
    try {
      for (let times = 1n; times <= 3n; times++) {
        bpf.run(PROGRAM);
        expect(runs()).toBe(times);
      }
      bpf.attach(PROGRAM);
      bpf.detach(PROGRAM);
      bpf.run(PROGRAM);
      expect(runs()).toBe(5n);
      expect(failureOf(() => bpf.run('none'))).toMatchObject({ code: 'BPF_RUN', errno: 'ENOENT' });
      expect(failureOf(() => bpf.run('hooked'))).toMatchObject({ code: 'BPF_RUN', errno: expect.stringMatching(/^E/) });
    } finally {
      bpf.close();
    }
    expect(failureOf(() => bpf.run(PROGRAM)).code).toBe('BPF_CLOSED');
  });
});

test('a detached program does not run, and may be attached again', async () => {
  const bpf = BpfObject.open(object);
  const runs = () =>
    bpf
      .map('seen')
      .read()
      .values.readBigUInt64LE(4 * 8);
  try {
    bpf.detach(PROGRAM);
    bpf.attach(PROGRAM);
    await until('a run of the program', () => runs() > 0n || undefined);
    bpf.detach(PROGRAM);
    // One run may still be in progress.
    await new Promise((resolve) => setTimeout(resolve, 20));
    const before = runs();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(runs()).toBe(before);
    bpf.attach(PROGRAM);
    await until('another run of the program', () => runs() > before || undefined);
  } finally {
    bpf.close();
  }
});

describe('close', () => {
  test('may be called twice, and every other call throws BPF_CLOSED', () => {
    const bpf = BpfObject.open(object);
    const map = bpf.map('plain');
    bpf.attach(PROGRAM);
    expect(failureOf(() => bpf.attach(PROGRAM))).toMatchObject({ code: 'BPF_ATTACH', errno: 'EALREADY' });
    bpf.close();
    bpf.close();
    for (const use of [() => bpf.attach(PROGRAM), () => bpf.map('plain'), () => bpf.programStats(), () => map.read()]) {
      expect(failureOf(use).code).toBe('BPF_CLOSED');
    }
    expect(bpf.programs).toEqual([PROGRAM]);
  });

  test('50 cycles of open, attach and close leave no file descriptor and no program behind', async () => {
    const cycle = () => withObject({}, (bpf) => bpf.attach(PROGRAM));
    cycle();
    const before = openFiles();
    for (let i = 0; i < 50; i++) cycle();
    expect(openFiles()).toBe(before);
    await untilNoneIsLoaded();
  });

  test('failed opens leave nothing behind', () => {
    const refused = compile('refused.bpf.c');
    BpfObject.open(refused).close();
    const before = openFiles();
    for (let i = 0; i < 10; i++) {
      BpfObject.open(refused).close();
      BpfObject.open(refused, { maxEntries: { values: 2 ** 32 - 1 } }).close();
      failureOf(() => BpfObject.open(object, { constants: { none: 1 } }));
    }
    expect(openFiles()).toBe(before);
  });
});

describe('without close', () => {
  const script = `
    const { parentPort } = require('node:worker_threads');
    const addon = require(${JSON.stringify(ADDON)});
    addon.setErrorClass(Error);
    const bpf = new addon.BpfObject(process.env.OBJECT, [], [], []);
    bpf.attach(${JSON.stringify(PROGRAM)});
    globalThis.kept = bpf;
  `;
  const env = () => ({ ...process.env, OBJECT: object });

  test('a worker thread that ends leaves nothing attached', async () => {
    const before = openFiles();
    const workers = [1, 2].map(() => new Worker(script, { eval: true, env: env() }));
    const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')));
    expect(codes).toEqual([[0], [0]]);
    await untilNoneIsLoaded();
    expect(openFiles()).toBe(before);
  });

  test('a worker thread that is terminated leaves nothing attached', async () => {
    const running = `${script}; parentPort.on('message', () => {}); parentPort.postMessage('attached');`;
    const worker = new Worker(running, { eval: true, env: env() });
    await once(worker, 'message');
    expect(programsLoaded()).toBe(1);
    await worker.terminate();
    await untilNoneIsLoaded();
  });

  test.each(['process.exit(0)', "process.kill(process.pid, 'SIGKILL')", ''])(
    'a process that ends by "%s" leaves nothing attached',
    async (ending) => {
      const child = spawn(process.execPath, ['-e', `${script}; console.log('attached'); ${ending}`], {
        env: env(),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [output] = (await once(child.stdout, 'data')) as [Buffer];
      expect(output.toString()).toBe('attached\n');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await untilNoneIsLoaded();
    },
  );
});

test('programStats counts runs and their time while the kernel does', async () => {
  const setting = '/proc/sys/kernel/bpf_stats_enabled';
  const before = readFileSync(setting, 'utf8');
  const bpf = BpfObject.open(object);
  try {
    const [idle] = bpf.programStats();
    expect(idle).toMatchObject({ name: PROGRAM, runCount: 0, runTimeNs: 0, recursionMisses: 0 });
    expect(idle?.verifiedInstructions).toBeGreaterThan(10);
    writeFileSync(setting, '1');
    bpf.attach(PROGRAM);
    await until('runs of the program', () => {
      const [stats] = bpf.programStats();
      return (stats !== undefined && stats.runCount > 0 && stats.runTimeNs > 0) || undefined;
    });
  } finally {
    bpf.close();
    writeFileSync(setting, before);
  }
});
