import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bundle } from '../../scripts/bundle/bundle.mjs';
import { leftOf } from './leftovers.ts';
import { CONTROL_PLANE, Machine } from '../../scripts/cluster/machine/machine.ts';
import { sharedState } from './shared-state.ts';

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'lorikeet-machine-'));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const janitors = () =>
  execFileSync('pgrep', ['-f', `janitor.sh ${parent}`], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number);
const left = (name: string) => leftOf(join(parent, name));

describe('a machine', () => {
  test('has its own processes, mounts and networks, and leaves nothing', async () => {
    const before = sharedState();
    const machine = await Machine.start(['one', 'two'], parent);
    try {
      expect(sharedState()).toEqual(before);
      expect(left(machine.name).length).toBeGreaterThan(2);
      expect(await machine.run('two', ['sh', '-c', 'echo $$; ls /run/netns'])).toMatch(/^\d{1,3}\none\ntwo\n$/);
      const address = await machine.run('one', ['ip', '-brief', 'address', 'show', 'dev', 'eth0']);
      expect(address).toContain('192.168.77.11/24');
      const rule = ['nft', 'add', 'table', 'ip', 'lorikeet-machine'];
      await machine.run('one', rule);
      await machine.run(CONTROL_PLANE, ['mount', '-t', 'tmpfs', 'tmpfs', '/var/lib/volumes']);
      expect(await machine.run('one', ['cat', '/proc/sys/kernel/panic'])).toBe('10\n');
      expect(sharedState()).toEqual(before);
    } finally {
      await machine.stop();
    }
    expect(left(machine.name)).toEqual([]);
    expect(sharedState()).toEqual(before);
  });

  test('says why a program ended', async () => {
    const machine = await Machine.start(['one'], parent);
    try {
      machine.daemon('broken', 'one', ['sh', '-c', 'echo out of order; exit 3']);
      await vi.waitFor(() => expect(() => machine.check()).toThrow(/broken ended \(status 3\): out of order/));
      await expect(machine.run('one', ['cat', '/none'])).rejects.toThrow('No such file');
      expect(await machine.run('one', ['true'], { stdin: 'unread\n'.repeat(100_000) })).toBe('');
    } finally {
      await machine.stop();
    }
  });
});

test('a machine whose janitor was killed is removed by its owner', async () => {
  const machine = await Machine.start(['one'], parent);
  for (const pid of janitors()) process.kill(pid, 'SIGKILL');
  await machine.stop();
  expect(left(machine.name)).toEqual([]);
  await machine.stop();
});

describe('an owner that is killed', () => {
  async function owner(): Promise<{ name: string; kill: () => void }> {
    mkdirSync(join(parent, 'dist'));
    await bundle({ owner: 'test/cluster/testdata/machine-owner.ts' }, { outdir: join(parent, 'dist') });
    const child = spawn(process.execPath, [join(parent, 'dist/owner.js'), parent], { stdio: ['ignore', 'pipe', 2] });
    const name = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (line: Buffer) => resolve(line.toString().trim()));
      child.once('exit', (status) => reject(new Error(`it ended with status ${status}`)));
    });
    return { name, kill: () => child.kill('SIGKILL') };
  }

  test('leaves nothing: its janitor removes the machine', async () => {
    const before = sharedState();
    const { name, kill } = await owner();
    expect(left(name).length).toBeGreaterThan(2);
    kill();
    await vi.waitFor(() => expect(left(name)).toEqual([]), { timeout: 10_000, interval: 100 });
    expect(sharedState()).toEqual(before);
  });

  test('with its janitor leaves a record, by which the next machine removes it, and nothing else', async () => {
    const { name, kill } = await owner();
    const other = join(parent, 'lorikeet-cluster-other');
    mkdirSync(other);
    const running = join(parent, 'lorikeet-cluster-running');
    mkdirSync(running);
    const stat = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ') ?? [];
    writeFileSync(join(running, 'owner'), `${process.pid} ${stat[19]}\n`);
    for (const pid of janitors()) process.kill(pid, 'SIGKILL');
    kill();
    // The kernel ends the processes, whoever is killed.
    const processes = () => left(name).filter((entry) => /^\d+$/.test(entry));
    await vi.waitFor(() => expect(processes()).toEqual([]), { timeout: 5000, interval: 100 });
    expect(left(name)).not.toEqual([]);
    const machine = await Machine.start(['one'], parent);
    expect(left(name)).toEqual([]);
    await machine.stop();
    expect(readdirSync(parent).toSorted()).toEqual(['dist', 'lorikeet-cluster-other', 'lorikeet-cluster-running']);
  });
});
