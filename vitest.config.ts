import { configDefaults, defineConfig, type TestUserConfig } from 'vitest/config';
import { EXPECTED_SKIPS } from './test/skips/expected-skips.ts';
import { SkipReporter } from './test/skips/skip-reporter.ts';

// bpftool and sysctl are in sbin, which isn't in everybody's PATH.
process.env['PATH'] = `${process.env['PATH']}:/usr/sbin:/sbin`;

/** What loads programs into the kernel, or counts what happens in it. */
const KERNEL = [
  '{native,exporter,microsim}/**/*.test.ts',
  'test/{e2e,exporter,hostile,images,kernel,microsim,native,protocols,races,soak}/**/*.test.ts',
];

/** What all configurations have in common. */
export const SHARED = {
  // The tests of a run share one machine: their files run one after another.
  fileParallelism: false,
  globalSetup: ['test/leftovers.ts'],
  reporters: ['default', new SkipReporter(EXPECTED_SKIPS)],
  testTimeout: 30_000,
  hookTimeout: 60_000,
} satisfies TestUserConfig;

export default defineConfig({
  test: {
    ...SHARED,
    // Two, so that `npm test` can run them side by side (scripts/tests/all.mjs); a plain `vitest run` runs both.
    projects: [
      { extends: true, test: { name: 'kernel', include: KERNEL } },
      {
        extends: true,
        test: {
          name: 'programs',
          include: ['{scorer,daemon,rules,dashboards,scripts,bench,test}/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...KERNEL],
        },
      },
    ],
  },
});
