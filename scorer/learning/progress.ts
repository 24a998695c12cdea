import { z } from 'zod';
import type { LineSink } from '../../daemon/streams/line-output.ts';

export const LEARNING_PHASES = ['fetch', 'train', 'calibrate'] as const;
export type LearningPhase = (typeof LEARNING_PHASES)[number];

export interface LearningProgress {
  readonly phase: LearningPhase;
  /** Progress of the phase, 0..1. */
  readonly share: number;
  readonly detail: string;
}

export type OnProgress = (progress: LearningProgress) => void;

const BAR_WIDTH = 30;

/** Shows progress: as a bar on a terminal, else as a line per phase and 10 %. */
export class ProgressBar {
  readonly #output: LineSink;
  #lastLine = '';

  constructor(output: LineSink) {
    this.#output = output;
  }

  /** @param share progress of the phase, 0..1 */
  update(phase: string, share: number, detail: string): void {
    if (this.#output.isTTY) {
      const filled = Math.round(share * BAR_WIDTH);
      const bar = `${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}`;
      this.#output.write(
        `\r\u001b[K${phase.padEnd(10)} [${bar}] ${String(Math.round(share * 100)).padStart(3)}%  ${detail}`,
      );
      return;
    }
    const tenth = `${phase} ${Math.floor(share * 10) * 10}%`;
    if (tenth === this.#lastLine) return;
    this.#lastLine = tenth;
    this.#output.write(`${tenth}  ${detail}\n`);
  }

  end(): void {
    if (this.#output.isTTY) this.#output.write('\n');
  }
}

const progressSchema = z.strictObject({ phase: z.enum(LEARNING_PHASES), share: z.number(), detail: z.string() });

/** Renders progress as a line of JSON, for `--progress=json`. */
export function renderProgress(progress: LearningProgress): string {
  return JSON.stringify(progress);
}

/** Parses a line of `renderProgress`; undefined for any other line. */
export function parseProgress(line: string): LearningProgress | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return progressSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
