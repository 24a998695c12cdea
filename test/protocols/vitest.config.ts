import { defineConfig } from 'vitest/config';
import { SHARED } from '../../vitest.config.ts';

/** The configuration of the other tests, for all protocols. */
export default defineConfig({ test: { ...SHARED, include: ['test/protocols/all.ts'] } });
