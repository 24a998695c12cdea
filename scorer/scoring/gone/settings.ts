import { z } from 'zod';
import { durationSchema } from '../../../daemon/config-file.ts';

const expression = z.string('expected a PromQL expression').min(1, 'expected a PromQL expression');

/** The section `gone` of scorer.yaml. */
export const goneSchema = z
  .strictObject({
    keep: durationSchema.default(60 * 60_000),
    max: z.int('expected a whole number').positive('expected 1 or more').default(20),
    /** Default: `removedExpressions`. */
    removed: z.array(expression).optional(),
  })
  .prefault({});

export type GoneSettings = z.output<typeof goneSchema>;
