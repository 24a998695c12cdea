import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** As the other tests, without their limits of time. */
export default defineConfig({
  test: { ...shared.test, include: ['test/soak/soak.ts'], testTimeout: 0, hookTimeout: 0 },
});
