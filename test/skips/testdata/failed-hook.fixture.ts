import { beforeAll, describe, expect, test } from 'vitest';

describe('after a hook that failed', () => {
  beforeAll(() => {
    throw new Error('the hook failed');
  });
  test('nothing runs', () => expect.unreachable());
});
