import { z } from 'zod';
import { alertmanagerSchema } from '../endpoints.ts';
import { promqlSchema } from '../features/promql.ts';

/** PromQL that returns services, or namespaces, for which something is announced. */
export const expressionsSchema = z.array(promqlSchema).default([]);

/** The section `expected` of scorer.yaml: who says that what a service does is expected. */
export const expectedSchema = z
  .strictObject({
    expressions: expressionsSchema,
    alertmanager: alertmanagerSchema.optional(),
  })
  .prefault({});
