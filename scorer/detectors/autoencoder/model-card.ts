import { z } from 'zod';

/** The card of a model: its inputs, training data, validation loss and checksum. Saved next to the ONNX file. */
export const modelCardSchema = z.object({
  format: z.literal(1),
  /** Names of the features, in the order of the tensor's columns. */
  features: z.array(z.string().min(1)).min(1),
  /** Windows of the red, green and blue channel, as Prometheus durations. */
  windows: z.array(z.string().min(1)).min(1),
  /** Rows of the tensor: lags in steps. */
  steps: z.array(z.number().nonnegative()).min(1),
  /** Number of weights. */
  parameters: z.int().positive(),
  trained: z.object({
    /** Start and end of the training data, RFC 3339. */
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    /** Number of training windows. */
    windows: z.int().nonnegative(),
    /** Duration of the training. */
    seconds: z.number().nonnegative(),
  }),
  /** Mean squared error, or Huber's, on the validation windows; absent without validation. */
  validation_loss: z.number().nonnegative().optional(),
  /** SHA-256 of the ONNX file, hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  calibration: z.unknown().optional(),
});

export type ModelCard = z.infer<typeof modelCardSchema>;

/** A card without the fields that are derived from the weights. */
export type ModelCardDraft = Omit<ModelCard, 'format' | 'parameters' | 'sha256'>;
