import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';

/** The configuration of the other tests, for all protocols. */
export default defineConfig({ test: { ...shared.test, include: ['test/protocols/all.ts'] } });
