import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** The configuration of the other tests, for those that need a release and take minutes. */
export default defineConfig({
  test: { ...shared.test, include: ['test/packages/*.long.ts'], testTimeout: 120_000, hookTimeout: 1_800_000 },
});
