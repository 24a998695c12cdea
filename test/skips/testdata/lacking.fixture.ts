import { expect, test } from 'vitest';
import { describeWith } from '../describe-with.ts';

const moon = { lack: 'no moon', isMissing: () => true };
const air = { lack: 'no air', isMissing: () => false };

describeWith([air, moon], 'at full moon', () => {
  test('owls fly', () => expect.unreachable());
  test.each(['grey', 'white'])('%s wolves howl', () => expect.unreachable());
});

describeWith([air], 'with air', () => {
  test('birds fly', () => expect(true).toBe(true));
});

test('by day one sees', ({ skip }) => skip('no sun'));
