import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { quantile } from '../../scorer/numeric/statistics.ts';

const FILE = '/proc/pressure/cpu';

/** How short of processors the machine was in the second before. */
export interface PressureSample {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Share of the time in which something that could have run waited for a processor, 0..1. */
  readonly share: number;
}

/**
 * Notes how short of processors the machine is, as the kernel accounts it: whatever else runs there makes every service slow,
 * and an alarm at such a moment says something about the machine.
 */
export class PressureLog {
  readonly #samples: PressureSample[] = [];
  #last = read();

  sample(): void {
    const now = read();
    const share = (now.stalledMs - this.#last.stalledMs) / (now.timeMs - this.#last.timeMs);
    if (Number.isFinite(share)) this.#samples.push({ timeMs: now.timeMs, share: Number(share.toFixed(3)) });
    this.#last = now;
  }

  write(path: string): void {
    writeFileSync(path, `[\n${this.#samples.map((sample) => JSON.stringify(sample)).join(',\n')}\n]\n`);
  }
}

/** The median share between two times; NaN when nothing was noted. */
export function pressureBetween(samples: readonly PressureSample[], fromMs: number, toMs: number): number {
  return quantile(
    samples.filter(({ timeMs }) => timeMs > fromMs && timeMs <= toMs).map(({ share }) => share),
    0.5,
  );
}

function read(): { readonly timeMs: number; readonly stalledMs: number } {
  // some avg10=1.00 avg60=1.00 avg300=1.00 total=123456 (microseconds); a kernel may be built without.
  const total = existsSync(FILE) ? /^some .*total=(\d+)/.exec(readFileSync(FILE, 'utf8'))?.[1] : undefined;
  return { timeMs: Date.now(), stalledMs: Number(total) / 1000 };
}
