import { describe, expect, it } from 'vitest';
import { RouteError, parseRoute } from './route.ts';

describe('parseRoute', () => {
  it('fills in defaults', () => {
    expect(parseRoute({ designation: 'cart' })).toEqual({
      designation: 'cart',
      probability: 100,
      parallel: false,
      faults: { before: [], after: [] },
      routes: [],
    });
  });

  it('accepts a nested route with faults', () => {
    const route = {
      designation: 'frontend',
      probability: 100,
      parallel: true,
      faults: { before: [{ type: 'latency', args: { delay: 600 } }], after: [] },
      routes: [
        {
          designation: 'cart',
          probability: 50,
          parallel: false,
          faults: { before: [], after: [{ type: 'memory-leak', args: { size: 250, duration: 10_000 } }] },
          routes: [],
        },
      ],
    };
    expect(parseRoute(structuredClone(route))).toEqual(route);
  });

  it('ignores unknown keys', () => {
    expect(parseRoute({ designation: 'cart', colour: 'red' })).not.toHaveProperty('colour');
  });

  const latency = (args: unknown) => ({ designation: 'a', faults: { before: [{ type: 'latency', args }] } });
  it.each([
    [null, 'route: expected an object'],
    [[], 'route: expected an object'],
    [{}, 'route.designation: expected a service'],
    [{ designation: 'a', probability: 101 }, 'route.probability: expected a number from 0 to 100'],
    [{ designation: 'a', probability: '50' }, 'route.probability: expected a number from 0 to 100'],
    [{ designation: 'a', parallel: 1 }, 'route.parallel: expected true or false'],
    [{ designation: 'a', routes: {} }, 'route.routes: expected a list'],
    [
      { designation: 'a', routes: [{ designation: 'b' }, { designation: '' }] },
      'route.routes[1].designation: expected',
    ],
    [{ designation: 'a', faults: { after: [{ type: 'fire', args: {} }] } }, 'route.faults.after[0].type: expected'],
    [latency({ delay: -1 }), 'route.faults.before[0].args.delay: expected a number from 0 to 60000'],
    [latency({ delay: 1e9 }), 'route.faults.before[0].args.delay: expected a number from 0 to 60000'],
    [latency(undefined), 'route.faults.before[0]: expected {type, args}'],
  ])('refuses %j', (value, message) => {
    expect(() => parseRoute(value)).toThrow(RouteError);
    expect(() => parseRoute(value)).toThrow(message);
  });

  it('rejects a route that is nested too deeply', () => {
    let route: Record<string, unknown> = { designation: 'a' };
    for (let depth = 0; depth < 20; depth += 1) route = { designation: 'a', routes: [route] };
    expect(() => parseRoute(route)).toThrow('nested deeper than 16');
  });
});
