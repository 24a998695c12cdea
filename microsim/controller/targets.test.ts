import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import { renderTargets } from './targets.ts';

it('renderTargets writes YAML that parses to the same targets', () => {
  const targets = [
    { namespace: 'shop', service: 'cart', cgroup: '/sim.shop/cart', addresses: ['10.88.0.5', 'fd00::5'] },
    { namespace: 'yes', service: '123', cgroup: '/a: b#c', addresses: [] },
  ];
  expect(load(renderTargets(targets))).toEqual({ targets });
});
