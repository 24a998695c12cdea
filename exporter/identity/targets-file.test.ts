import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileWatchOptions } from '../../daemon/file-watch.ts';
import { createLogger } from '../../daemon/logger.ts';
import { addressText } from './peers/addresses.ts';
import { readTargetsFile, TargetsFile } from './targets-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lorikeet-targets-'));
  path = join(folder, 'targets.yaml');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const entry = (service: string): string =>
  `  - {namespace: shop, service: ${service}, cgroup: /shop.slice/${service}}\n`;
const file = (...services: string[]): string => `targets:\n${services.map(entry).join('')}`;

describe('readTargetsFile', () => {
  it('reads entries with their defaults', () => {
    writeFileSync(
      path,
      `targets:
  - namespace: shop
    service: cart
    cgroup: /shop.slice/cart
    addresses: [10.88.0.5, "fd00::5", "10.88.0.6:8080"]
  - {namespace: shop, service: ads, cgroup: /shop.slice/ads, pod: ads-7}
  - {namespace: shop, service: far, addresses: [10.99.0.1]}
`,
    );
    const targets = readTargetsFile(path);
    expect(targets.map(({ pod, cgroup }) => [pod, cgroup])).toEqual([
      ['cart', '/shop.slice/cart'],
      ['ads-7', '/shop.slice/ads'],
      ['far', undefined],
    ]);
    expect(targets[0]?.addresses.map(({ bytes, port }) => [addressText(bytes), port])).toEqual([
      ['10.88.0.5', undefined],
      ['fd00::5', undefined],
      ['10.88.0.6', 8080],
    ]);
    expect(targets[0]).toMatchObject({ monitored: true, workloadKind: 'Static', node: hostname() });
  });

  it.each([
    ['targets: []\nextra: 1\n', 'extra: unknown key'],
    ['', 'targets: missing, expected array'],
    ['# none yet\n', 'targets: missing, expected array'],
    ['other: 1', 'targets: missing, expected array'],
    ['targets: [{service: cart}]', 'targets[0].namespace: missing, expected string'],
    ['targets: [{namespace: shop, service: cart, port: 1}]', 'targets[0].port: unknown key'],
    [
      'targets: [{namespace: shop, service: cart, cgroup: shop.slice}]',
      'targets[0].cgroup: expected a path below the cgroup2 mount such as /shop.slice/cart, got "shop.slice"',
    ],
    [
      'targets: [{namespace: shop, service: cart, cgroup: /a/../b}]',
      'targets[0].cgroup: expected a path without "..", got "/a/../b"',
    ],
    [
      'targets: [{namespace: shop, service: cart, addresses: [::1, cart.local]}]',
      'targets[0].addresses[1]: expected an IPv4 or IPv6 address, with a port or without, got "cart.local"',
    ],
    [
      file('cart', 'cart'),
      'targets[1]: expected namespace, service and pod of its own, not that of targets[0], got "shop/cart/cart"',
    ],
    [
      'targets: [{namespace: a, service: b, cgroup: /x}, {namespace: a, service: c, cgroup: /x}]',
      'targets[1].cgroup: expected a cgroup of its own, not that of targets[0], got "/x"',
    ],
    [
      'targets: [{namespace: a, service: b, cgroup: /x/y}, {namespace: a, service: c, cgroup: //x/./y/}]',
      'targets[1].cgroup: expected a cgroup of its own, not that of targets[0], got "/x/y"',
    ],
    [
      'targets: [{namespace: a, service: b, cgroup: /x}, {namespace: a, service: c, cgroup: /sys/fs/cgroup/x}]',
      'targets[1].cgroup: expected a cgroup of its own, not that of targets[0], got "/x"',
    ],
    [
      'targets: [{namespace: a, service: b, cgroup: "/x\\0y"}]',
      'targets[0].cgroup: expected a path without control characters, got "/x\\u0000y"',
    ],
    ['targets: [{namespace: a, service: b, cgroup: /}]', 'targets[0].cgroup: expected a path below the cgroup2 mount'],
    [
      'targets: [{namespace: "a\\0", service: b}]',
      'targets[0].namespace: expected a name without control characters, got "a\\u0000"',
    ],
    ['targets: [{namespace: a, service: "b\\n"}]', 'targets[0].service: expected a name without control characters'],
    ['targets: [{namespace: a, service: b, pod: "\\uD800"}]', 'targets[0].pod: expected a name without control'],
    ['targets: [', 'not valid YAML'],
  ])('refuses %j', (text, message) => {
    writeFileSync(path, text);
    expect(() => readTargetsFile(path)).toThrow(`${path}: ${message}`);
  });

  it('takes paths as users paste them', () => {
    const paths = ['//a//b/', '/sys/fs/cgroup/c', '/host/cgroup/d'];
    const entries = paths.map((cgroup, index) => `{namespace: n, service: s${index}, cgroup: ${cgroup}}`);
    writeFileSync(path, `targets: [${entries.join(', ')}]`);
    const targets = readTargetsFile(path, '/host/cgroup');
    expect(targets.map(({ pod, cgroup }) => [pod, cgroup])).toEqual([
      ['b', '/a/b'],
      ['c', '/c'],
      ['d', '/d'],
    ]);
  });

  it('reports a missing file', () => {
    expect(() => readTargetsFile(path)).toThrow(`${path}: no such file`);
  });
});

describe('TargetsFile', () => {
  let lines: string[];
  let open: TargetsFile[];
  beforeEach(() => {
    lines = [];
    open = [];
  });
  afterEach(() => {
    for (const targets of open) targets.close();
  });

  const watchTargets = (at = path, options: FileWatchOptions = {}): TargetsFile => {
    const logger = createLogger({ write: (line) => lines.push(line) });
    const targets = new TargetsFile(at, logger, { pollMs: 3_600_000, settleMs: 5, quietMs: 50, ...options });
    open.push(targets);
    return targets;
  };
  const services = (targets: TargetsFile): string[] => targets.targets.map(({ service }) => service);
  const becomes = (targets: TargetsFile, expected: string[]): Promise<void> =>
    vi.waitFor(() => expect(services(targets)).toEqual(expected), { timeout: 10_000 });

  it('refuses to start with an invalid file', () => {
    writeFileSync(path, 'targets: 7');
    expect(() => watchTargets()).toThrow(`${path}: targets: expected array, got 7`);
  });

  it('follows a file that is written in place', async () => {
    writeFileSync(path, file('cart'));
    const targets = watchTargets();
    writeFileSync(path, file('cart', 'ads'));
    await becomes(targets, ['cart', 'ads']);
  });

  it('waits for a file that is written in pieces, though its first half is valid', async () => {
    writeFileSync(path, file('cart'));
    const targets = watchTargets(path, { quietMs: 400 });
    const seen = new Set<string>();
    targets.beforeChange(() => seen.add(services(targets).join()));
    writeFileSync(path, file('cart', 'ads'));
    for (const service of ['mail', 'shipping', 'email']) {
      await pause(100);
      appendFileSync(path, entry(service));
    }
    await becomes(targets, ['cart', 'ads', 'mail', 'shipping', 'email']);
    expect([...seen]).toEqual(['cart']);
  });

  it('reads a half-written file when it is told to reload', () => {
    writeFileSync(path, file('cart'));
    const targets = watchTargets(path, { quietMs: 3_600_000 });
    writeFileSync(path, file('ads'));
    targets.reload();
    expect(services(targets)).toEqual(['ads']);
  });

  it('follows repeated atomic renames', async () => {
    writeFileSync(path, file('cart'));
    const targets = watchTargets();
    for (const service of ['ads', 'mail', 'cart']) {
      writeFileSync(`${path}.new`, file(service));
      renameSync(`${path}.new`, path);
      await becomes(targets, [service]);
    }
  });

  it("follows a ConfigMap's swap of symbolic links", async () => {
    const version = (name: string, service: string): void => {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'targets.yaml'), file(service));
      symlinkSync(name, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    version('..1', 'cart');
    symlinkSync(join('..data', 'targets.yaml'), path);
    const targets = watchTargets();
    for (const [name, service] of [
      ['..2', 'ads'],
      ['..3', 'mail'],
    ] as const) {
      version(name, service);
      await becomes(targets, [service]);
    }
  });

  it('follows a link whose target changes in another directory, by polling', async () => {
    mkdirSync(join(folder, 'elsewhere'));
    mkdirSync(join(folder, 'here'));
    const end = join(folder, 'elsewhere', 'real.yaml');
    const link = join(folder, 'here', 'targets.yaml');
    writeFileSync(end, file('cart'));
    symlinkSync(end, link);
    const targets = watchTargets(link, { pollMs: 10 });
    writeFileSync(end, file('ads', 'cart'));
    await becomes(targets, ['ads', 'cart']);
  });

  it('keeps the last valid targets while the file is invalid, and logs once', async () => {
    writeFileSync(path, file('cart'));
    const targets = watchTargets();
    const before = targets.targets;
    writeFileSync(path, 'targets: 7');
    await vi.waitFor(() => expect(targets.lastReloadSuccessful).toBe(false), { timeout: 10_000 });
    expect(() => targets.reload()).toThrow('expected array');
    expect(() => targets.reload()).toThrow('expected array');
    expect(targets.targets).toBe(before);
    expect(lines.filter((line) => line.includes('targets file rejected'))).toHaveLength(1);
    rmSync(path);
    await vi.waitFor(() => expect(lines.filter((line) => line.includes('no such file'))).toHaveLength(1));
    expect(targets.targets).toBe(before);
    writeFileSync(path, file('ads'));
    await becomes(targets, ['ads']);
    expect(targets.lastReloadSuccessful).toBe(true);
    expect(lines.filter((line) => line.includes('valid again'))).toHaveLength(1);
  });
});
