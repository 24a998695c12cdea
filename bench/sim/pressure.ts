import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { quantile } from '../../scorer/numeric/statistics.ts';

const FILE = '/proc/pressure/cpu';

/** CPU pressure in the previous second. */
export interface PressureSample {
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** Share of the time in which a runnable task waited for a CPU, 0..1. */
  readonly share: number;
}

/**
 * Records the CPU pressure of the machine, from the kernel (PSI): other programs slow down every service, and an alarm
 * at such a time may come from the machine.
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

/** The median share between two times; NaN without records. */
export function pressureBetween(samples: readonly PressureSample[], fromMs: number, toMs: number): number {
  return quantile(
    samples.filter(({ timeMs }) => timeMs > fromMs && timeMs <= toMs).map(({ share }) => share),
    0.5,
  );
}

function read(): { readonly timeMs: number; readonly stalledMs: number } {
  // some avg10=1.00 avg60=1.00 avg300=1.00 total=123456 (microseconds); some kernels are built without PSI.
  const total = existsSync(FILE) ? /^some .*total=(\d+)/.exec(readFileSync(FILE, 'utf8'))?.[1] : undefined;
  return { timeMs: Date.now(), stalledMs: Number(total) / 1000 };
}
