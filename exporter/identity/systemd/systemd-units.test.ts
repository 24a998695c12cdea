import { mkdirSync, mkdtempSync, rmSync, rmdirSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../../daemon/logger.ts';
import { target } from '../../testdata/tree.ts';
import type { Target } from '../target.ts';
import { MAX_UNITS, STOPPED_MS, SystemdUnits, type SystemdOptions } from './systemd-units.ts';

let root: string;
let clock: number;
let lines: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lorikeet-systemd-'));
  clock = 0;
  lines = [];
});
afterEach(() => rmSync(root, { recursive: true }));

const start = (...units: readonly string[]): void => {
  for (const unit of units) mkdirSync(join(root, unit), { recursive: true });
};
const stop = (unit: string): void => rmdirSync(join(root, unit));
const source = (options: Partial<SystemdOptions> = {}) =>
  new SystemdUnits({
    namespace: 'systemd',
    include: /^.+$/u,
    exclude: undefined,
    cgroupfs: root,
    logger: createLogger({ write: (line) => void lines.push(line) }),
    now: () => clock,
    ...options,
  });
const services = ({ targets }: SystemdUnits): string[] => targets.map(({ service }) => service).toSorted();
const cgroups = ({ targets }: SystemdUnits) => targets.map(({ cgroup }) => cgroup ?? '').toSorted();

test('a unit is a service, an instance of a template one of its instances', () => {
  start(
    'system.slice/cart.service',
    'system.slice/system-shop.slice/shop@1.service',
    'shop.slice/stock.service/worker',
  );
  const node = hostname();
  const common = { namespace: 'systemd', addresses: [], monitored: true, workloadKind: 'SystemdUnit', node };
  expect(source().targets.toSorted((a, b) => a.service.localeCompare(b.service))).toEqual([
    { ...common, service: 'cart', pod: `${node}/cart.service`, cgroup: '/system.slice/cart.service' },
    {
      ...common,
      service: 'shop',
      pod: `${node}/shop@1.service`,
      cgroup: '/system.slice/system-shop.slice/shop@1.service',
    },
    { ...common, service: 'stock', pod: `${node}/stock.service`, cgroup: '/shop.slice/stock.service' },
  ]);
});

test('sessions, virtual machines, pods and scopes are none', () => {
  start(
    'user.slice/user-1000.slice/user@1000.service/app.slice/mail.service',
    'machine.slice/vm.service',
    'kubepods.slice/kubepods-burstable.slice/x.service',
    'system.slice/docker-1.scope/inner.service',
    'init.scope',
    'cart.service',
  );
  expect(source().targets).toEqual([]);
});

test('units are followed; the list only changes with them', () => {
  start('system.slice/cart.service');
  const units = source();
  const first = units.targets;
  expect(units.targets).toBe(first);
  start('system.slice/stock.service');
  expect(services(units)).toEqual(['cart', 'stock']);
  expect(units.targets).not.toBe(first);
});

test('a stopped unit remains for a while, so that its counters go on when it is restarted', () => {
  start('system.slice/cart.service');
  const units = source();
  const before = units.targets;
  stop('system.slice/cart.service');
  clock += STOPPED_MS - 1;
  expect(units.targets).toBe(before);
  start('system.slice/cart.service');
  expect(units.targets).toBe(before);
  stop('system.slice/cart.service');
  clock += STOPPED_MS - 1;
  expect(units.targets).toBe(before);
  clock += 1;
  expect(units.targets).toEqual([]);
});

test('units are chosen by their whole names', () => {
  start('system.slice/cart.service', 'system.slice/cartoon.service', 'system.slice/stock.service');
  expect(services(source({ include: /^(?:cart\.service|stock.*)$/u }))).toEqual(['cart', 'stock']);
  expect(services(source({ exclude: /^(?:cart.*)$/u }))).toEqual(['stock']);
});

test('cgroups of the targets file belong to it, as it is now', () => {
  start('system.slice/cart.service', 'system.slice/stock.service');
  let claimed: readonly Target[] = [target({ cgroup: '/system.slice/cart.service' })];
  const units = source({ claimed: () => claimed });
  expect(cgroups(units)).toEqual(['/system.slice/stock.service']);
  expect(units.targets).toBe(units.targets);
  claimed = [];
  expect(cgroups(units)).toEqual(['/system.slice/cart.service', '/system.slice/stock.service']);
});

test('targets are bounded: the first ones stay, and one line of the log says so', () => {
  start('system.slice/a.service');
  const units = source();
  expect(services(units)).toEqual(['a']);
  start(...Array.from({ length: MAX_UNITS + 5 }, (_, index) => `system.slice/${'0'.repeat(3)}${index}.service`));
  expect(units.targets.length).toBe(MAX_UNITS);
  expect(services(units)).toContain('a');
  const warnings = () => lines.filter((line) => line.includes('too many systemd units'));
  void units.targets;
  expect(warnings().length).toBe(1);
});

test('without systemd there is nothing', () => {
  rmSync(root, { recursive: true });
  expect(source().targets).toEqual([]);
  mkdirSync(root);
});
