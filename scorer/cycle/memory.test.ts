import { expect, it } from 'vitest';
import { CALLS_OF_HOURS, numberPrintedBy } from '../../test/node-program.ts';

const OPENED = `
import { openRestingMemory } from './memory.ts';
openRestingMemory({ warn() {} });
`;

it('compiles little machine code for functions that are not hot', async () => {
  const little = await numberPrintedBy(OPENED + CALLS_OF_HOURS, import.meta.dirname);
  // V8 itself compiles more or less of it, as its timers have it.
  expect(little).toBeLessThan(0.1 * (await numberPrintedBy(CALLS_OF_HOURS, import.meta.dirname)));
});
