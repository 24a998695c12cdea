import { describe, expect, it } from 'vitest';
import { parseFault } from '../protocol/fault.ts';
import { createRandom } from '../protocol/random.ts';
import { parseRoute } from '../protocol/route.ts';
import { changeCalls, swallows } from './call-faults.ts';

const calls = ['cart', 'shipping', 'payment'].map((designation) => parseRoute({ designation }));

/** The callees under a fault, in order; `!` marks a call that is made to fail. */
function changed(type: string, args: Record<string, unknown> = {}, seed = 1): string {
  return changeCalls(calls, parseFault(type, args), createRandom(seed))
    .map(({ designation, faults }) => (faults.before[0]?.type === 'error' ? `${designation}!` : designation))
    .join(' ');
}

describe('changeCalls', () => {
  it.each([
    ['skip_call', { callee: 'shipping' }, 'cart payment'],
    ['double_call', { callee: 'cart' }, 'cart cart shipping payment'],
    ['swallow_error', { callee: 'payment' }, 'cart shipping payment!'],
    ['reorder_calls', {}, 'payment shipping cart'],
    ['reorder_calls', { callee: 'cart' }, 'shipping payment cart'],
    ['reorder_calls', { callee: 'payment' }, 'payment cart shipping'],
    ['skip_call', { callee: 'nobody' }, 'cart shipping payment'],
    ['latency', {}, 'cart shipping payment'],
  ])('%s %j: %s', (type, args, expected) => {
    expect(changed(type, args)).toBe(expected);
  });

  it('draws a call without a callee, each now and then', () => {
    const skipped = Array.from({ length: 30 }, (_, seed) => changed('skip_call', {}, seed));
    expect(new Set(skipped)).toEqual(new Set(['shipping payment', 'cart payment', 'cart shipping']));
  });

  it('changes a share of the requests', () => {
    const random = createRandom(1);
    const fault = parseFault('skip_call', { share: 0.3 });
    const shorter = Array.from({ length: 1000 }, () => changeCalls(calls, fault, random)).filter(
      ({ length }) => length === 2,
    );
    expect(shorter.length).toBeGreaterThan(250);
    expect(shorter.length).toBeLessThan(350);
  });

  it('draws no random number without such a fault', () => {
    const random = createRandom(1);
    for (const fault of [null, parseFault('latency')]) changeCalls(calls, fault, random);
    expect(random.next()).toBe(createRandom(1).next());
  });
});

describe('swallows', () => {
  it.each([
    [null, false],
    [parseFault('error'), false],
    [parseFault('swallow_error'), true],
    [parseFault('swallow_error', { callee: 'cart' }), true],
    [parseFault('swallow_error', { callee: 'payment' }), false],
  ])('%j: %s', (fault, expected) => {
    expect(swallows(fault, 'cart')).toBe(expected);
  });
});
