import { createRandom, type Random } from './random.ts';

/** Arrival rate: a level with a wave, noise and bursts. Times in milliseconds. */
export interface LoadSettings {
  /** Requests per second to the entry service, averaged over a wave. */
  readonly level: number;
  /** Spread of the logarithm of the rate from one second to the next; 0.1 is about 10 %. */
  readonly noise: number;
  /** The "day": between 1 - amplitude and 1 + amplitude times the level in each period. */
  readonly wave: { readonly period: number; readonly amplitude: number };
  /** At random, on average every `every`, the rate is multiplied by `factor` for about `lasting`. */
  readonly bursts: { readonly every: number; readonly factor: number; readonly lasting: number };
}

/** Maximum rate of any settings, in requests per second. */
export const MAX_RATE = 500;

/** Share of the noise that persists from one second to the next. */
const PERSISTENCE = 0.9;

/**
 * The arrival rate over time for a seed. Noise and bursts advance in steps of one second, so the same
 * seed gives the same load, regardless of when `rateAt` is called.
 */
export class LoadPattern {
  readonly #random: Random;
  #second = -1;
  #noise = 0;
  #burstUntil = 0;

  constructor(seed: number) {
    this.#random = createRandom(seed);
  }

  /**
   * Requests per second at `elapsed` milliseconds after the start, in [0, MAX_RATE].
   *
   * @param elapsed must not decrease between calls; an earlier time returns the current state.
   */
  rateAt(elapsed: number, settings: LoadSettings): number {
    while (this.#second < Math.floor(elapsed / 1000)) this.#step(settings);
    const wave = 1 + settings.wave.amplitude * Math.sin((2 * Math.PI * elapsed) / settings.wave.period);
    // Divide by E[exp(s * normal)] = exp(s^2 / 2), so the average stays at the level.
    const noise = Math.exp(settings.noise * this.#noise - settings.noise ** 2 / 2);
    const burst = this.#second * 1000 < this.#burstUntil ? settings.bursts.factor : 1;
    return Math.min(MAX_RATE, Math.max(0, settings.level * wave * noise * burst));
  }

  #step({ bursts }: LoadSettings): void {
    this.#second += 1;
    // An AR(1) process of variance 1: the load drifts instead of jumping every second. Each step makes the
    // same three draws, so a change of settings does not shift the sequence.
    this.#noise = PERSISTENCE * this.#noise + Math.sqrt(1 - PERSISTENCE ** 2) * this.#random.normal();
    const starts = this.#random.next() < 1000 / bursts.every;
    const lasting = this.#random.exponential(bursts.lasting);
    if (starts && this.#second * 1000 >= this.#burstUntil) this.#burstUntil = this.#second * 1000 + lasting;
  }
}
