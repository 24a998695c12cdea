import { test } from 'vitest';

test('has no moon either', ({ skip }) => skip('no moon'));
