import type { Flags } from '../../daemon/flags.ts';

/** Of everything that may train a model. */
export const TRAINING_FLAGS = {
  epochs: { type: 'number', default: 60, help: 'Most passes over the windows when a model is trained.' },
  seed: { type: 'number', default: 1, help: 'Seed of the training.' },
} as const satisfies Flags;

/** Of everything that tells what scores are worth. */
export const REPORT_FLAGS = {
  out: { type: 'string', default: 'report.json', help: 'Where to write the figures.' },
  html: { type: 'string', default: 'report.html', help: 'Where to write the page with score curves.' },
} as const satisfies Flags;
