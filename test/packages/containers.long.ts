import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';
import { readTargetsFile } from '../../exporter/identity/targets-file.ts';
import { Machine } from '../../scripts/cluster/machine/machine.ts';
import { describeWith } from '../skips/describe-with.ts';
import { BUILDAH, DEBOOTSTRAP } from '../skips/needs.ts';
import { until } from '../until.ts';

const SCRIPT = 'manifests/hosts/container-targets.sh';
const IMAGE = 'localhost/lorikeet-debian:1';
const HOST = 'host1';
const COMPOSE = ['--label=com.docker.compose.project=shop', '--label=com.docker.compose.service=cart'];

/* Containers of podman, which Docker's commands work on as well, and the script that lists them for the exporter. */
describeWith([DEBOOTSTRAP, BUILDAH], 'containers on a machine', () => {
  let machine: Machine;
  let podman: string[];
  let targets: string;
  beforeAll(async () => {
    machine = await Machine.start([HOST]);
    const folder = (name: string) => join(machine.folder, name);
    const storage = [`--root=${folder('storage')}`, '--runroot=/run/podman', '--storage-driver=overlay'];
    podman = ['podman', ...storage, '--runtime=runc', '--cgroup-manager=cgroupfs', '--events-backend=file'];
    targets = folder('targets.yaml');
    const root = execFileSync('bash', ['scripts/package/debian-root.sh', 'bookworm'], { encoding: 'utf8' }).trim();
    await machine.run(HOST, [...podman, 'import', '--quiet', root, IMAGE]);
  });
  afterAll(() => machine?.stop());

  const environment = () => ({ CONTAINERS: podman.join(' '), TARGETS: targets });
  const once = () => machine.run(HOST, ['bash', SCRIPT, '--once'], { env: environment() });
  /** Starts a container, and resolves with its id. */
  async function start(name: string, ...flags: readonly string[]): Promise<string> {
    const run = ['run', '--detach', `--name=${name}`, `--cgroup-parent=/${machine.name}/${HOST}`, '--network=bridge'];
    return (await machine.run(HOST, [...podman, ...run, ...flags, IMAGE, 'sleep', '1000'])).trim();
  }
  const remove = (name: string) => machine.run(HOST, [...podman, 'rm', '--force', '--time=0', name]);
  const listed = () =>
    readTargetsFile(targets, cgroupMount()).map(({ namespace, service, pod }) => [namespace, service, pod]);

  test('without a container, the list is empty', async () => {
    await once();
    expect(readFileSync(targets, 'utf8')).toBe('# Written by container-targets.sh.\ntargets: []\n');
    expect(listed()).toEqual([]);
  });

  test('a container of a project has its names, its cgroup and its address', async () => {
    const id = await start('shop-cart-1', ...COMPOSE);
    await once();
    expect(listed()).toEqual([['shop', 'cart', `${hostname()}/shop-cart-1`]]);
    const address = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
    const asked = await machine.run(HOST, [...podman, 'inspect', `--format=${address}`, 'shop-cart-1']);
    const text = readFileSync(targets, 'utf8');
    expect(text).toContain(`addresses: ["${asked.trim()}"]`);
    const [, cgroup = ''] = /cgroup: "([^"]+)"/.exec(text) ?? [];
    expect(cgroup).toContain(id);
    expect(readFileSync(join(cgroupMount() ?? '', cgroup, 'cgroup.procs'), 'utf8')).toMatch(/^\d+$/m);
  });

  test('containers that start and end change the list, of which others need no labels', async () => {
    const flags = Object.entries(environment()).map(([name, value]) => `${name}=${value}`);
    machine.daemon('container-targets', HOST, ['env', ...flags, 'bash', SCRIPT]);
    await start('cache');
    await until('the container', () => listed().length === 2, { timeoutMs: 20_000 });
    expect(listed()).toContainEqual(['containers', 'cache', `${hostname()}/cache`]);
    await remove('shop-cart-1');
    await until('its end', () => listed().length === 1, { timeoutMs: 20_000 });
    machine.check();
  });

  test('a list of targets that others wrote stays as it is, and is told', async () => {
    const ours = 'targets:\n  - { namespace: shop, service: cart, cgroup: /shop.slice/cart }\n';
    writeFileSync(targets, ours);
    await expect(once()).rejects.toThrow('lists targets of yours');
    expect(readFileSync(targets, 'utf8')).toBe(ours);
    expect(existsSync(`${targets}.new`)).toBe(false);
  });
});
