import { expect, test } from 'vitest';
import { keptCapabilities, missingCapabilities } from './privileges.ts';

test.each([
  ['000001ffffffffff', []],
  // CAP_SYS_ADMIN alone, as before kernel 5.8.
  ['0000000000200000', []],
  // CAP_PERFMON and CAP_BPF.
  ['000000c000000000', []],
  ['0000008000000000', ['CAP_PERFMON']],
  ['0000004000000000', ['CAP_BPF']],
  ['0000000000000000', ['CAP_BPF', 'CAP_PERFMON']],
])('of the effective capabilities %s misses %o', (capabilities, missing) => {
  expect(missingCapabilities(`Name:\tnode\nCapPrm:\t0\nCapEff:\t${capabilities}\n`)).toEqual(missing);
});

test.each([
  ['5.15.0-100-generic', true],
  ['6.1.0-56-amd64', false],
  ['6.18.44', false],
  ['10.0.1', false],
])('on kernel %s reading maps needs CAP_BPF: %o', (kernel, needed) => {
  expect(keptCapabilities(kernel).includes('CAP_BPF')).toBe(needed);
});
