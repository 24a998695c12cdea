import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** The configuration of the other tests, without timeouts. */
export default defineConfig({
  test: { ...shared.test, include: ['test/soak/soak.ts'], testTimeout: 0, hookTimeout: 0 },
});
