import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { waitFor } from '../../microsim/protocol/condition.ts';

/* Pods of manifests/microsim in a network namespace each: the generated configuration, without a controller. */
let folder: string;
const pods: ChildProcess[] = [];
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'lorikeet-sim-pod-'))));
afterEach(() => {
  for (const pod of pods.splice(0)) pod.kill('SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true }));

const manifests = loadAll(readFileSync('manifests/microsim/shop.yaml', 'utf8')) as {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data: Readonly<Record<string, string>>;
}[];

/** Starts the program of a pod. Resolves with a command prefix that runs another program in its network. */
async function startPod(name: string, program: string): Promise<string[]> {
  const config = join(folder, `${name}.json`);
  writeFileSync(config, manifests.find(({ kind }) => kind === 'ConfigMap')?.data[`${name}.json`] ?? '');
  const start = 'ip link set lo up && exec "$@"';
  const pod = spawn('unshare', ['--net', 'sh', '-c', start, 'sh', process.execPath, `dist/${program}.js`, config]);
  pods.push(pod);
  const enter = ['nsenter', `--target=${pod.pid}`, '--net', process.execPath];
  // Its admin socket exists once the program runs in the namespace.
  expect(await waitFor(() => Promise.resolve(answers(enter)), 20_000)).toBeDefined();
  return enter;
}

const STATS = `require('node:http').get({ socketPath: '\\0lorikeet-sim', path: '/stats' }, (r) => r.pipe(process.stdout))`;

function stats([command = '', ...enter]: readonly string[]): Record<string, unknown> {
  return JSON.parse(execFileSync(command, [...enter, '-e', STATS], { encoding: 'utf8', stdio: 'pipe' })) as Record<
    string,
    unknown
  >;
}

function answers(enter: readonly string[]): boolean {
  try {
    stats(enter);
    return true;
  } catch {
    return false;
  }
}

test('the command of the guide injects a fault and clears it', async () => {
  const enter = await startPod('catalog-db', 'lorikeet-sim-service');
  const [command = '', ...before] = enter;
  const sim = (...args: string[]) =>
    execFileSync(command, [...before, 'dist/lorikeet-sim.js', 'inject', ...args], { encoding: 'utf8', stdio: 'pipe' });
  expect(stats(enter)).toMatchObject({ service: 'catalog-db', listening: true, fault: null });
  expect(sim('latency', '--delay=300')).toBe('latency delay=300 jitter=50\n');
  expect(stats(enter)).toMatchObject({ fault: { type: 'latency', args: { delay: 300, jitter: 50 } } });
  expect(sim('refuse')).toBe('refuse\n');
  expect(stats(enter)).toMatchObject({ listening: false });
  expect(sim('--clear')).toBe('fault cleared\n');
  expect(stats(enter)).toMatchObject({ listening: true, fault: null });
  expect(() => sim('crash')).toThrow(
    /expected latency, cpu, error, memory_leak, refuse, skip_call, .*, disk, got "crash"/,
  );
});

test('the load starts automatically', async () => {
  const enter = await startPod('load', 'lorikeet-sim-load');
  const asked = () => Promise.resolve(Object.keys(stats(enter)['by_name'] as object).length > 0);
  expect(await waitFor(asked, 20_000)).toBeDefined();
});
