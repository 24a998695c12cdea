/** What `scripts/tests/long-run.mjs` was told. */
export interface LongRunSettings {
  /** The folder below `test` whose `*.long.ts` run. */
  readonly kind?: string;
  readonly minutes?: number;
  readonly seed?: number;
  readonly inputs?: number;
  readonly times?: number;
  /** The one parser to fuzz. */
  readonly target?: string;
  /** The one file, or the one program, to run. */
  readonly only?: string;
}

export const LONG_RUN = JSON.parse(process.env['LORIKEET_LONG_RUN'] ?? '{}') as LongRunSettings;
