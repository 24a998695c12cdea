import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';
import { EXPECTED_SKIPS } from '../skips/expected-skips.ts';
import { SkipReporter } from '../skips/skip-reporter.ts';

/** The configuration of the other tests, for those in a cluster, whose steps follow one another. */
export default defineConfig({
  test: {
    ...shared.test,
    // A line for each step as soon as it has ended: the whole takes ten minutes.
    reporters: ['verbose', new SkipReporter(EXPECTED_SKIPS)],
    include: ['test/cluster/*.long.ts'],
    bail: 1,
    testTimeout: 2_400_000,
    hookTimeout: 1_800_000,
  },
});
