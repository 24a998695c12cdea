import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** The configuration of the other tests, for the fuzzer without an end of its own. */
export default defineConfig({
  test: { ...shared.test, include: ['test/fuzz/long-run.ts'], testTimeout: 0, hookTimeout: 0 },
});
