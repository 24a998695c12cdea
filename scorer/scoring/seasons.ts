import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { writeAtomically } from '../../daemon/atomic-write.ts';

/** Length of a slot, steps. Errors are tolerated in the neighbouring slots too. */
const SLOT_STEPS = 15;
/** Minimum error to record, in fault-free scales: smaller ones are normal noise. */
const MIN_RECORDED_ERROR = 1.5;
/** Tolerated error, relative to the error one season ago. */
const TOLERANCE_MARGIN = 1.5;

/** Creates empty seasons with the periods of a configuration. */
export function createSeasons(set: FeatureSet, { interval, learning }: ScorerConfig): Seasons {
  return new Seasons(
    set.features.map(({ name }) => name),
    learning.seasons.map((period) => Math.round(period / interval)),
  );
}

/** One service's recorded errors: slot -> feature index -> largest error in the slot. */
type SlotErrors = Map<number, Map<number, number>>;

const documentSchema = z.strictObject({
  format: z.literal(1),
  features: z.array(z.string()),
  services: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.number()))),
});

/**
 * Errors that recur daily or weekly, so that a nightly job alerts only the first time. An error of a feature is
 * tolerated one period later, up to the recorded size plus a margin, in the same slot and its neighbours; other
 * features and times aren't affected. The price: yesterday's fault is tolerated today at the same time, in the same
 * features.
 */
export class Seasons {
  readonly #features: readonly string[];
  readonly #periods: readonly number[];
  readonly #services = new Map<string, SlotErrors>();

  /**
   * @param features names of the features, in the order of the errors
   * @param periods lengths of the seasons, steps
   */
  constructor(features: readonly string[], periods: readonly number[]) {
    this.#features = features;
    this.#periods = periods;
  }

  /** Records a service's errors: one value per feature, in fault-free scales, before any tolerance. */
  record(key: string, step: number, errors: readonly number[]): void {
    for (const [feature, error] of errors.entries()) {
      if (!(error >= MIN_RECORDED_ERROR)) continue;
      const slots = this.#services.get(key) ?? new Map<number, Map<number, number>>();
      this.#services.set(key, slots);
      const slot = slotOf(step);
      const largest = slots.get(slot) ?? new Map<number, number>();
      slots.set(slot, largest);
      largest.set(feature, Math.max(error, largest.get(feature) ?? 0));
    }
  }

  /**
   * Factors to multiply each feature's fault-free scale by at this step; 1 for a feature without a recorded error.
   *
   * @returns undefined if no feature has a recorded error
   */
  tolerance(key: string, step: number): readonly number[] | undefined {
    const slots = this.#services.get(key);
    if (slots === undefined) return undefined;
    let tolerance: number[] | undefined;
    for (const period of this.#periods) {
      const then = slotOf(step - period);
      for (const slot of [then - 1, then, then + 1]) {
        for (const [feature, error] of slots.get(slot) ?? []) {
          tolerance ??= Array<number>(this.#features.length).fill(1);
          tolerance[feature] = Math.max(tolerance[feature] ?? 1, TOLERANCE_MARGIN * error);
        }
      }
    }
    return tolerance;
  }

  /** Removes errors older than the longest period, and services for which `isKnown` returns false. */
  forget(step: number, isKnown: (key: string) => boolean): void {
    const oldest = slotOf(step - Math.max(0, ...this.#periods)) - 1;
    for (const [key, slots] of this.#services) {
      for (const slot of slots.keys()) if (slot < oldest) slots.delete(slot);
      if (slots.size === 0 || !isKnown(key)) this.#services.delete(key);
    }
  }

  /** Number of services with recorded errors. */
  get size(): number {
    return this.#services.size;
  }

  /** Saves the recorded errors atomically. */
  async save(path: string): Promise<void> {
    const services = Object.fromEntries(
      [...this.#services].map(([key, slots]) => [
        key,
        Object.fromEntries([...slots].map(([slot, largest]) => [slot, Object.fromEntries(largest)])),
      ]),
    );
    const content = JSON.stringify({ format: 1, features: this.#features, services });
    await writeAtomically([{ path, content }]);
  }

  /**
   * Adds the errors of a saved file; of two errors in the same slot, the larger counts. Features are matched by name,
   * so that a changed list of features loses only the removed ones.
   *
   * @returns the reason why the file is unusable; undefined if it was loaded or doesn't exist
   */
  load(path: string): string | undefined {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : (error as Error).message;
    }
    const parsed = documentSchema.safeParse(parseJson(text));
    if (!parsed.success) return `${path}: not a seasons file of this version`;
    const { features, services } = parsed.data;
    const indexes = features.map((name) => this.#features.indexOf(name));
    for (const [key, slots] of Object.entries(services)) {
      for (const [slot, largest] of Object.entries(slots)) {
        const errors = this.#features.map((_, feature) => largest[`${indexes.indexOf(feature)}`] ?? 0);
        this.record(key, Number(slot) * SLOT_STEPS, errors);
      }
    }
    return undefined;
  }
}

function slotOf(step: number): number {
  return Math.floor(step / SLOT_STEPS);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
