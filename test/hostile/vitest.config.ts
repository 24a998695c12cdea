import { defineConfig } from 'vitest/config';
import shared from '../../vitest.config.ts';
import { EXPECTED_SKIPS } from '../skips/expected-skips.ts';
import { SkipReporter } from '../skips/skip-reporter.ts';
import { TableReporter } from './table/table-reporter.ts';

/** Set by scripts/tests/hostile.mjs: `whole`, or `update`. */
const table = process.env['LORIKEET_HOSTILE_TABLE'];

/** The configuration of the other tests, for those that keep a row of the table of attacks. */
export default defineConfig({
  test: {
    ...shared.test,
    include: ['test/hostile/**/*.test.ts', 'test/exporter/standard-error.test.ts', 'test/scorer/faults.test.ts'],
    reporters: [
      'verbose',
      new SkipReporter(EXPECTED_SKIPS),
      new TableReporter({ isWhole: table !== undefined, isUpdate: table === 'update' }),
    ],
  },
});
