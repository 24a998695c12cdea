import { describe, expect, it } from 'vitest';
import { parseRoute } from '../../microsim/protocol/route.ts';
import { affectedShares } from './affected.ts';

const visits = [
  {
    name: 'buy',
    route: parseRoute({
      designation: 'frontend',
      routes: [
        {
          designation: 'checkout',
          routes: [{ designation: 'payment', routes: [{ designation: 'db', probability: 30 }] }],
        },
        { designation: 'ad' },
      ],
    }),
  },
  { name: 'look', route: parseRoute({ designation: 'frontend', routes: [{ designation: 'ad', probability: 50 }] }) },
];

function shares(fault: Parameters<typeof affectedShares>[1]): Record<string, number> {
  const found = [...affectedShares(visits, fault)].map(([id, share]) => [id, Number(share.toFixed(6))] as const);
  return Object.fromEntries(found.filter(([, share]) => share > 0));
}

describe('affectedShares', () => {
  it('of a slow service: its own endpoints and those of its callers, by how often they call', () => {
    expect(shares({ service: 'ad', type: 'latency', args: {} })).toEqual({
      'ad /buy': 1,
      'frontend /buy': 1,
      'ad /look': 1,
      'frontend /look': 0.5,
    });
  });

  it('of a link: the caller and its callers, not the callee', () => {
    expect(shares({ service: 'payment', type: 'packet_loss', args: { callee: 'db' } })).toEqual({
      'payment /buy': 0.3,
      'checkout /buy': 0.3,
      'frontend /buy': 0.3,
    });
  });

  it('of all that a service sends: its callers, and itself only where it calls others', () => {
    expect(shares({ service: 'payment', type: 'network_delay', args: { delay: 1000 } })).toEqual({
      'payment /buy': 0.3,
      'checkout /buy': 1,
      'frontend /buy': 1,
    });
  });
});
