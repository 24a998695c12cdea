import { defineConfig } from 'vitest/config';
import { SkipReporter } from '../skip-reporter.ts';

const expected = [
  { reason: 'no moon', tests: 'lacking.fixture.ts > at full moon', when: () => true, why: 'it is new' },
  {
    reason: 'no sun',
    tests: 'lacking.fixture.ts > by day',
    when: () => process.env['LORIKEET_TEST_NIGHT'] === '1',
    why: 'it is night',
  },
];

/** Configuration for the skipped tests in this directory, for skip-reporter.test.ts. */
export default defineConfig({
  test: { include: ['*.fixture.ts'], reporters: ['default', new SkipReporter(expected)] },
});
