import { setTimeout as sleep } from 'node:timers/promises';
import { CpuHog, burn } from './burn.ts';
import { DiskWriter } from './disk-writer.ts';
import { computePi } from './pi.ts';
import type { Fault } from '../protocol/fault.ts';
import type { Random } from '../protocol/random.ts';

const LEAK_PERIOD_MS = 100;
const MB = 1024 * 1024;

/** The active fault of a service, if any. Clearing it frees its timer, memory and file. */
export class InjectedFault {
  readonly #random: Random;
  #fault: Fault | null = null;
  #hog: CpuHog | undefined;
  #disk: DiskWriter | undefined;
  #leakTimer: NodeJS.Timeout | undefined;
  #leak: Buffer[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get fault(): Fault | null {
    return this.#fault;
  }

  get leakedMb(): number {
    return this.#leak.reduce((sum, chunk) => sum + chunk.length, 0) / MB;
  }

  /** Replaces the active fault. @throws a system error if `disk` cannot write. */
  inject(fault: Fault): void {
    this.lift();
    const { args } = fault;
    if (fault.type === 'disk') this.#disk = new DiskWriter(args['rate'] ?? 0, args['size'] ?? 0);
    this.#fault = fault;
    if (fault.type === 'cpu') this.#hog = new CpuHog(args['share'] ?? 0, args['work'] ?? 0);
    if (fault.type === 'memory_leak') {
      this.#leakTimer = setInterval(() => this.#leakMore(args['rate'] ?? 0, args['cap'] ?? 0), LEAK_PERIOD_MS);
    }
  }

  lift(): void {
    this.#fault = null;
    this.#hog?.stop();
    this.#hog = undefined;
    this.#disk?.stop();
    this.#disk = undefined;
    clearInterval(this.#leakTimer);
    if (this.#leak.length === 0) return;
    this.#leak = [];
    // Without --expose-gc a later collection frees the memory.
    globalThis.gc?.();
  }

  /** True if this request must be answered immediately with 500. */
  failsNow(): boolean {
    return this.#fault?.type === 'error' && this.#random.next() < (this.#fault.args['share'] ?? 1);
  }

  /** Resolves after the fault's delay for a request. */
  async delay(): Promise<void> {
    if (this.#fault?.type !== 'latency') return;
    const { delay = 0, jitter = 0 } = this.#fault.args;
    await sleep(Math.max(0, delay + jitter * this.#random.normal()));
  }

  /** Burns the CPU time of a request: `milliseconds` of its own, and that of the fault. */
  compute(milliseconds: number): void {
    burn(milliseconds);
    this.#hog?.request();
    if (this.#fault?.type !== 'compute_pi') return;
    const { digits = 0, share = 1 } = this.#fault.args;
    if (this.#random.next() < share) computePi(digits);
  }

  #leakMore(rate: number, cap: number): void {
    const size = Math.floor(Math.min((rate * LEAK_PERIOD_MS) / 1000, cap - this.leakedMb) * MB);
    // Filled, because only written pages are resident.
    if (size > 0) this.#leak.push(Buffer.alloc(size, 1));
  }
}
