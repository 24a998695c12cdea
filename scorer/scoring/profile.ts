import { z } from 'zod';
import type { ColumnScaling } from '../tensor/scaling.ts';
import type { ErrorScales } from './errors.ts';

/** What is normal for one service. */
export interface Profile extends ErrorScales {
  readonly scalings: readonly (ColumnScaling | undefined)[];
  /** Loudness at which the score is 1. */
  readonly threshold: number;
  /** Windows learned from. */
  readonly windows: number;
  /** First and last step learned from. */
  readonly from: number;
  readonly to: number;
}

/** A figure of which nothing is known is null in JSON and NaN here. */
export const figureSchema = z
  .number()
  .nullable()
  .transform((value) => value ?? NaN);
