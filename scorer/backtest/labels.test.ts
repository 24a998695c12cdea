import { describe, expect, it } from 'vitest';
import { Identity } from '../identity/identity.ts';
import { serviceKey } from '../identity/service-key.ts';
import { DEFAULT_DURATION_MS, faultsOf } from './labels.ts';

const label = (start: string, end?: string) => ({
  start,
  ...(end !== undefined && { end }),
  namespace: 'n',
  service: 's',
  type: 't',
});

describe('faultsOf', () => {
  it('sorts by time and ends what has no end with its default duration or where the next begins', () => {
    const faults = faultsOf([
      label('2024-01-01T01:00:00+01:00'),
      label('2024-01-01T00:02:00Z'),
      label('2024-01-01T00:03:00Z', '2024-01-01T00:04:30Z'),
    ]);
    const base = Date.UTC(2024, 0, 1);
    const minutes = faults.map(({ startMs, endMs }) => [(startMs - base) / 60_000, (endMs - base) / 60_000]);
    expect(minutes).toEqual([
      [0, 2],
      [2, 3],
      [3, 4.5],
    ]);
    expect(faults[0]?.key).toBe(serviceKey({ namespace: 'n', service: 's' }));
    expect(faultsOf([label('2024-01-01T00:00:00Z')])[0]?.endMs).toBe(base + DEFAULT_DURATION_MS);
  });

  it('refuses a time without a zone', () => {
    expect(() => faultsOf([label('2024-01-01 00:00:00')])).toThrow('expected a time such as');
  });

  it('has the labels of the identity, and no others', () => {
    const fault = { ...label('2024-01-01T00:00:00Z'), cluster: 'a' };
    expect(faultsOf([fault], new Identity(['cluster']))[0]?.key).toBe(
      serviceKey({ namespace: 'n', service: 's', cluster: 'a' }),
    );
    expect(faultsOf([label('2024-01-01T00:00:00Z')], new Identity(['cluster']))[0]?.key).toBe('["n","s"]');
    expect(() => faultsOf([fault])).toThrow('cluster');
  });
});
