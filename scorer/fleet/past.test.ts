import { describe, expect, it } from 'vitest';
import { selectors } from './past.ts';
import { serviceKey } from '../identity/service-key.ts';

describe('selectors', () => {
  it('select these services and no others, one selector a namespace', () => {
    const keys = [
      serviceKey({ namespace: 'shop', service: 'cart' }),
      serviceKey({ namespace: 'pay', service: 'a.b' }),
      serviceKey({ namespace: 'shop', service: 'x|y"\\z' }),
    ];
    expect(selectors('s', keys)).toEqual([
      String.raw`s{namespace="shop",service=~"cart|x\\|y\"\\\\z"}`,
      String.raw`s{namespace="pay",service=~"a\\.b"}`,
    ]);
    expect(selectors('e', keys.slice(0, 1), 'client_')).toEqual(['e{client_namespace="shop",client_service=~"cart"}']);
  });
});
