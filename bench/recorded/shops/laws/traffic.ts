import type { Random } from '../../../../scorer/numeric/random.ts';

const DAY_HOURS = 24;

/** The shape of a day. */
export interface Day {
  /** Share of the peak's load that is left at the quietest hour. */
  readonly night: number;
  /** Hour of the peak; the quietest one is twelve hours away. */
  readonly peakHour: number;
}

/** Expected load at an hour since midnight, as a share of the peak's: a cosine. */
export function dailyShape({ night, peakHour }: Day, hour: number): number {
  const day = (1 + Math.cos((2 * Math.PI * (hour - peakHour)) / DAY_HOURS)) / 2;
  return night + (1 - night) * day;
}

/** A factor around 1 that wanders and comes back: the exponential of an Ornstein-Uhlenbeck process. */
export class Wander {
  readonly #random: Random;
  readonly #deviation: number;
  readonly #keep: number;
  #away = 0;

  /**
   * @param deviation standard deviation of the factor's logarithm
   * @param memory seconds after which 1/e of a deviation is left
   * @param step seconds
   */
  constructor(random: Random, deviation: number, memory: number, step: number) {
    this.#random = random;
    this.#deviation = deviation;
    this.#keep = Math.exp(-step / memory);
  }

  /** The factor one step later. */
  next(): number {
    const fresh = this.#deviation * Math.sqrt(1 - this.#keep ** 2) * this.#random.normal();
    this.#away = this.#keep * this.#away + fresh;
    return Math.exp(this.#away);
  }
}
