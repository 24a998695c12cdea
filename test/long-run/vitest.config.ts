import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';
import { LONG_RUN } from './settings.ts';

const { kind = '*', only } = LONG_RUN;
const file = kind === 'soak' && only !== undefined ? only : '*';

/** The configuration of the other tests, for those that run as long as they are told. */
export default defineConfig({
  test: { ...shared.test, include: [`test/${kind}/${file}.long.ts`], testTimeout: 0, hookTimeout: 0 },
});
