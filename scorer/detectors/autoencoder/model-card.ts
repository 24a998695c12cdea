import { z } from 'zod';

/** What stands beside a model's weights: what they were trained for, on what, and how to know that they are whole. */
export const modelCardSchema = z.object({
  format: z.literal(1),
  /** Names of the features, in the order of the tensor's columns. */
  features: z.array(z.string().min(1)).min(1),
  /** Windows of the channels red, green and blue, as Prometheus durations. */
  windows: z.array(z.string().min(1)).min(1),
  /** Rows of the tensor: intervals back from now. */
  steps: z.array(z.number().nonnegative()).min(1),
  /** Number of weights. */
  parameters: z.int().positive(),
  trained: z.object({
    /** The stretch of history that training saw, RFC 3339. */
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    /** How many windows it held. */
    windows: z.int().nonnegative(),
    /** How long training took. */
    seconds: z.number().nonnegative(),
  }),
  /** Mean squared error (Huber's, where chosen) on windows that training didn't see; absent when all were trained on. */
  validation_loss: z.number().nonnegative().optional(),
  /** Of the ONNX file, hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  calibration: z.unknown().optional(),
});

export type ModelCard = z.infer<typeof modelCardSchema>;

/** A card before its model is written: what follows from the weights is still missing. */
export type ModelCardDraft = Omit<ModelCard, 'format' | 'parameters' | 'sha256'>;
