import { expect, test } from 'vitest';

test('is fine', () => expect(true).toBe(true));

test.skip('is nobody’s business', () => expect.unreachable());
