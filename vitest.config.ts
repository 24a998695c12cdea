import { defineConfig } from 'vitest/config';
import { EXPECTED_SKIPS } from './test/skips/expected-skips.ts';
import { SkipReporter } from './test/skips/skip-reporter.ts';

// bpftool and sysctl are in sbin, which isn't in everybody's PATH.
process.env['PATH'] = `${process.env['PATH']}:/usr/sbin:/sbin`;

export default defineConfig({
  test: {
    include: [
      '{native,exporter,scorer,daemon,rules,dashboards,microsim,scripts,bench}/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    // Kernel, Prometheus and namespace tests share one machine: files run one after another where they contend.
    fileParallelism: false,
    globalSetup: ['test/leftovers.ts'],
    reporters: ['default', new SkipReporter(EXPECTED_SKIPS)],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
