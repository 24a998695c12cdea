import { z } from 'zod';
import type { ColumnScaling } from '../../tensor/scaling.ts';
import type { ErrorScales } from '../errors.ts';

/** The normal behaviour of one service. */
export interface Profile extends ErrorScales {
  /** Scaling of each column; undefined for a column without any value. */
  readonly scalings: readonly (ColumnScaling | undefined)[];
  /** Raw score at which the score is 1. */
  readonly threshold: number;
  /** Number of windows learned from. */
  readonly windows: number;
  /** Days that were learned from: what comes later in the day, or in the week, hasn't been seen yet. */
  readonly days: number;
  /** First and last step learned from. */
  readonly from: number;
  readonly to: number;
}

/** A number that may be unknown: null in JSON, NaN in memory. */
export const figureSchema = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
