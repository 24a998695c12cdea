import { describe, expect, it } from 'vitest';
import { FAULT_ARGUMENTS, FAULT_TYPES, FaultError, describeFaultArgs, faultBody, parseFault } from './fault.ts';

describe('parseFault', () => {
  it('fills in defaults', () => {
    expect(parseFault('latency', { delay: 90 })).toEqual({ type: 'latency', args: { delay: 90, jitter: 50 } });
    expect(parseFault('crash')).toEqual({ type: 'crash', args: {} });
  });

  it.each(['skip_call', 'packet_loss'] as const)('%s can be limited to an edge', (type) => {
    const fault = parseFault(type, { share: 0.5, callee: 'cart' });
    expect(fault).toMatchObject({ type, args: { share: 0.5 }, callee: 'cart' });
    const { type: _type, ...args } = faultBody(fault);
    expect(parseFault(type, args)).toEqual(fault);
  });

  it.each(FAULT_TYPES)('%s has defaults and usual values within its bounds', (type) => {
    for (const { default: absent, min, max, usual } of Object.values(FAULT_ARGUMENTS[type])) {
      for (const value of [absent, ...usual]) {
        expect(value).toBeGreaterThanOrEqual(min);
        expect(value).toBeLessThanOrEqual(max);
      }
    }
  });

  it.each([
    ['fire', {}, 'type: expected latency, cpu, error, memory_leak, pause, refuse, crash, skip_call, double_call'],
    [undefined, {}, 'type: expected latency'],
    ['toString', {}, 'type: expected latency'],
    ['latency', { dealy: 5 }, 'latency.dealy: unknown argument'],
    ['latency', { delay: '5' }, 'latency.delay: expected a number from 1 to 30000, got "5"'],
    ['cpu', { share: 2 }, 'cpu.share: expected a number from 0.05 to 0.95, got 2'],
    ['cpu', { share: Number.NaN }, 'cpu.share: expected a number'],
    ['pause', { delay: 5 }, 'pause.delay: unknown argument'],
    ['cpu', { callee: 'cart' }, 'cpu.callee: unknown argument'],
    ['skip_call', { callee: 5 }, 'skip_call.callee: expected the name of a service, got 5'],
  ])('refuses %s %j', (type, args, message) => {
    expect(() => parseFault(type, args)).toThrow(FaultError);
    expect(() => parseFault(type, args)).toThrow(message);
  });
});

describe('describeFaultArgs', () => {
  it('lists arguments', () => {
    expect(describeFaultArgs({ delay: 250, jitter: 50 })).toBe('delay=250 jitter=50');
    expect(describeFaultArgs({ share: 1 }, 'cart')).toBe('share=1 callee=cart');
    expect(describeFaultArgs({})).toBe('');
  });
});
