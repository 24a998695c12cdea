/** An anomaly that lasts: first and last step whose window was above the threshold. */
export interface AnomalyInterval {
  readonly from: number;
  readonly to: number;
}

/** What the queue of one subject says after a step. */
export interface ToleratedScore {
  /** 1 at the threshold; above it, the median size of the queue's errors in thresholds. */
  readonly score: number;
  readonly interval: AnomalyInterval | undefined;
}

interface Entry {
  readonly step: number;
  /** Probability that the window is anomalous, 0..1. */
  readonly probability: number;
  /** The window's error, 1 at its threshold. */
  readonly size: number;
}

/**
 * Tolerates single anomalous windows: an anomaly is reported once the mean anomaly probability of the last `length` windows
 * exceeds the threshold (Nedelkoski, Cardoso and Kao 2019, section III-D), and as an interval, from the first anomalous window
 * of those to the last one.
 */
export class ToleranceQueue {
  readonly #length: number;
  readonly #threshold: number;
  #entries: Entry[] = [];
  #from: number | undefined;

  /**
   * @param length windows
   * @param threshold mean anomaly probability from which on an anomaly is reported
   */
  constructor(length: number, threshold: number) {
    this.#length = length;
    this.#threshold = threshold;
  }

  /** The newest step that was taken. */
  get newest(): number | undefined {
    return this.#entries.at(-1)?.step;
  }

  /** Takes a window; steps ascend. Windows older than the queue is long are forgotten, also where steps are missing. */
  take(step: number, probability: number, size: number): ToleratedScore {
    this.#entries = this.#entries.filter((entry) => entry.step > step - this.#length);
    this.#entries.push({ step, probability, size });
    // Windows that are missing count as normal: a subject that was just opened has to earn its alarm.
    const mean = this.#entries.reduce((sum, entry) => sum + entry.probability, 0) / this.#length;
    const share = mean / this.#threshold;
    const anomalous = this.#entries.filter((entry) => entry.size > 1);
    // A window below the threshold among anomalous ones doesn't end the interval.
    if (anomalous.length === 0) this.#from = undefined;
    if (share < 1) return { score: share, interval: undefined };
    this.#from ??= anomalous[0]?.step ?? step;
    const to = anomalous.at(-1)?.step ?? step;
    return { score: Math.max(share, medianSize(this.#entries)), interval: { from: this.#from, to } };
  }
}

/** The lower median: of two windows the smaller error. */
function medianSize(entries: readonly Entry[]): number {
  const sizes = entries.map(({ size }) => size).sort((a, b) => a - b);
  return sizes[(sizes.length - 1) >> 1]!;
}
