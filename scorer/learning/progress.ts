import { z } from 'zod';

export const LEARNING_PHASES = ['fetch', 'train', 'calibrate'] as const;
export type LearningPhase = (typeof LEARNING_PHASES)[number];

export interface LearningProgress {
  readonly phase: LearningPhase;
  /** Of the phase, 0..1. */
  readonly share: number;
  readonly detail: string;
}

export type OnProgress = (progress: LearningProgress) => void;

const BAR_WIDTH = 30;

/** How far a long piece of work is: a bar on a terminal, a line for each new phase and tenth elsewhere. */
export class ProgressBar {
  readonly #output: NodeJS.WriteStream;
  #told = '';

  constructor(output: NodeJS.WriteStream) {
    this.#output = output;
  }

  /** @param share of the phase, 0..1 */
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
    if (tenth === this.#told) return;
    this.#told = tenth;
    this.#output.write(`${tenth}  ${detail}\n`);
  }

  end(): void {
    if (this.#output.isTTY) this.#output.write('\n');
  }
}

const progressSchema = z.strictObject({ phase: z.enum(LEARNING_PHASES), share: z.number(), detail: z.string() });

/** The line by which a learning tells another process how far it is. */
export function renderProgress(progress: LearningProgress): string {
  return JSON.stringify(progress);
}

/** Undefined for any other line. */
export function parseProgress(line: string): LearningProgress | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return progressSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
