import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLogger } from '../../daemon/logger.ts';
import { target, Tree } from '../testdata/tree.ts';
import { MissingCgroups } from './missing-cgroups.ts';

let tree: Tree;
let log: string[];
let missing: MissingCgroups;
beforeEach(() => {
  tree = new Tree();
  log = [];
  missing = new MissingCgroups(createLogger({ write: (line) => log.push(line.replace(/^.* msg=/, '')) }));
});
afterEach(() => tree.close());

let now = 0;
function update(): number {
  tree.directory.refresh(now++);
  missing.update(tree.source.targets, tree.directory);
  return missing.count;
}

const cart = target({ service: 'cart', cgroup: '/cart' });
const ads = target({ service: 'ads', cgroup: '/ads' });

it('counts targets without a cgroup, and logs each once', () => {
  tree.make('/cart');
  tree.source.targets = [cart, target({ service: 'far', cgroup: undefined })];
  expect(update()).toBe(0);
  expect(log).toEqual([]);
  tree.source.targets = [cart, ads];
  expect([update(), update()]).toEqual([1, 1]);
  expect(log).toEqual(['"no cgroup yet" targets=1 cgroups="shop/ads /ads"']);
  tree.make('/ads');
  expect(update()).toBe(0);
  tree.remove('/ads');
  expect(update()).toBe(1);
  tree.remove('/cart');
  expect(update()).toBe(2);
  expect(log.slice(1)).toEqual(['"no cgroup yet" targets=1 cgroups="shop/cart /cart"']);
});

it('logs a target again that left the file and came back', () => {
  tree.source.targets = [ads];
  update();
  tree.source.targets = [];
  expect(update()).toBe(0);
  tree.source.targets = [ads];
  expect(update()).toBe(1);
  expect(log).toHaveLength(2);
});

it('names a few of many in one line', () => {
  tree.source.targets = Array.from({ length: 7 }, (_, index) => target({ service: `s${index}`, cgroup: `/${index}` }));
  expect(update()).toBe(7);
  expect(log).toEqual([
    '"no cgroup yet" targets=7 cgroups="shop/s0 /0, shop/s1 /1, shop/s2 /2, shop/s3 /3, shop/s4 /4, ..."',
  ]);
});
