import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** The configuration of the other tests, for those in a cluster, whose steps follow one another. */
export default defineConfig({
  test: {
    ...shared.test,
    include: ['test/cluster/*.long.ts'],
    bail: 1,
    testTimeout: 2_400_000,
    hookTimeout: 1_800_000,
  },
});
