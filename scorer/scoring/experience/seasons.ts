import { z } from 'zod';
import type { ScorerConfig } from '../../config.ts';
import type { Feature, FeatureSet } from '../../features/features.ts';
import { writeAtomically } from '../../../daemon/files/atomic-write.ts';
import { readSavedJson } from '../saved-json.ts';

/** Length of a slot, steps. Errors are tolerated in the neighbouring slots too. */
const SLOT_STEPS = 15;
/** Minimum error to record, in fault-free scales: smaller ones are normal noise. */
const MIN_RECORDED_ERROR = 1.5;
/** Tolerated error, relative to the error one season ago. */
const TOLERANCE_MARGIN = 1.5;
/** Least period of a job. */
const MIN_PERIOD_SLOTS = 2;

/** Creates empty seasons with the periods of a configuration. */
export function createSeasons(
  { features }: Pick<FeatureSet, 'features'>,
  { interval, learning }: ScorerConfig,
): Seasons {
  return new Seasons(
    features,
    learning.seasons.map((period) => Math.round(period / interval)),
  );
}

/** One service's recorded errors: slot -> feature index -> largest error in the slot. */
type SlotErrors = Map<number, Map<number, number>>;

const servicesSchema = z.record(z.string(), z.record(z.string(), z.record(z.string(), z.number())));
const documentSchema = z.strictObject({
  format: z.literal(2),
  features: z.array(z.string()),
  calm: servicesSchema,
  alarmed: servicesSchema,
});

/** What a service's errors were: no reason for an alarm, one, or one but for what recurs or is expected. */
export type Judged = 'calm' | 'anomalous' | 'tolerated';

/** A service's errors at the last step, if it was anomalous: until the next one tells whether that was an alarm. */
interface Pending {
  readonly step: number;
  readonly errors: readonly number[];
  /** True if the step before was anomalous as well. */
  readonly alarms: boolean;
}

/**
 * Errors that recur, so that a nightly job that hardly stands out doesn't add up to an alarm. An error of a feature is
 * tolerated one period later, up to the recorded size plus a margin, in the same slot and its neighbours; other features and
 * times aren't affected.
 *
 * What alarmed isn't tolerated: the same fault at the same hour of the next day is the same fault. Unless it was expected; or
 * it was more load or more use of resources, and came a third time after the same period, whichever: that is a job.
 */
export class Seasons {
  readonly #features: readonly Feature[];
  readonly #periods: readonly number[];
  readonly #calm = new Map<string, SlotErrors>();
  readonly #alarmed = new Map<string, SlotErrors>();
  readonly #pending = new Map<string, Pending>();

  /**
   * @param features in the order of the errors
   * @param periods lengths of the seasons, steps
   */
  constructor(features: readonly Feature[], periods: readonly number[]) {
    this.#features = features;
    this.#periods = periods;
  }

  /**
   * Records a service's errors: one value per feature, in fault-free scales, before any tolerance. Two anomalous steps in a row
   * are an alarm.
   */
  record(key: string, step: number, errors: readonly number[], judged: Judged = 'calm'): void {
    const before = this.#pending.get(key);
    const alarms = judged === 'anomalous' && before?.step === step - 1;
    if (before !== undefined) {
      this.#put(alarms || before.alarms ? this.#alarmed : this.#calm, key, before.step, before.errors);
    }
    this.#pending.delete(key);
    if (judged === 'anomalous') this.#pending.set(key, { step, errors, alarms });
    else this.#put(this.#calm, key, step, errors);
    if (judged === 'tolerated') this.#put(this.#alarmed, key, step, errors);
  }

  #put(into: Map<string, SlotErrors>, key: string, step: number, errors: readonly number[]): void {
    for (const [feature, error] of errors.entries()) {
      if (!(error >= MIN_RECORDED_ERROR)) continue;
      if (into === this.#alarmed && !isLoad(this.#features[feature]!)) continue;
      const slots = into.get(key) ?? new Map<number, Map<number, number>>();
      into.set(key, slots);
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
    const recurring = [...this.#lastSeason(key, step), ...this.#jobs(key, step)];
    if (recurring.length === 0) return undefined;
    const tolerance = Array<number>(this.#features.length).fill(1);
    for (const [feature, error] of recurring) {
      tolerance[feature] = Math.max(tolerance[feature] ?? 1, TOLERANCE_MARGIN * error);
    }
    return tolerance;
  }

  /** Errors that didn't alarm a season ago. */
  #lastSeason(key: string, step: number): [number, number][] {
    const slots = this.#calm.get(key);
    if (slots === undefined) return [];
    return this.#periods.flatMap((period) =>
      around(slotOf(step - period)).flatMap((slot) => [...(slots.get(slot) ?? [])]),
    );
  }

  /** Errors that alarmed twice, as far apart from each other as the second is from now. */
  #jobs(key: string, step: number): [number, number][] {
    const slots = this.#alarmed.get(key);
    if (slots === undefined) return [];
    const now = slotOf(step);
    return [...slots].flatMap(([last, errors]) => {
      const period = now - last;
      if (period < MIN_PERIOD_SLOTS) return [];
      const before = around(last - period).flatMap((slot) => slots.get(slot) ?? []);
      return [...errors].filter(([feature]) => before.some((earlier) => earlier.has(feature)));
    });
  }

  /** Removes errors older than the longest period, and services for which `isKnown` returns false. */
  forget(step: number, isKnown: (key: string) => boolean): void {
    const oldest = slotOf(step - Math.max(0, ...this.#periods)) - 1;
    for (const of of [this.#calm, this.#alarmed]) {
      for (const [key, slots] of of) {
        for (const slot of slots.keys()) if (slot < oldest) slots.delete(slot);
        if (slots.size === 0 || !isKnown(key)) of.delete(key);
      }
    }
    for (const key of this.#pending.keys()) if (!isKnown(key)) this.#pending.delete(key);
  }

  /** Number of services with recorded errors. */
  get size(): number {
    return new Set([...this.#calm.keys(), ...this.#alarmed.keys()]).size;
  }

  /** Saves the recorded errors atomically. */
  async save(path: string): Promise<void> {
    const document = {
      format: 2,
      features: this.#features.map(({ name }) => name),
      calm: packed(this.#calm),
      alarmed: packed(this.#alarmed),
    };
    await writeAtomically([{ path, content: JSON.stringify(document) }]);
  }

  /**
   * Adds the errors of a saved file; of two errors in the same slot, the larger counts. Features are matched by name,
   * so that a changed list of features loses only the removed ones.
   *
   * @returns the reason why the file is unusable; undefined if it was loaded or doesn't exist
   */
  load(path: string): string | undefined {
    const saved = readSavedJson(path, documentSchema, 'not a seasons file of this version');
    if (saved === undefined) return undefined;
    if ('unusable' in saved) return saved.unusable;
    const { features, calm, alarmed } = saved.document;
    const indexes = this.#features.map(({ name }) => features.indexOf(name));
    for (const [into, services] of [
      [this.#calm, calm],
      [this.#alarmed, alarmed],
    ] as const) {
      for (const [key, slots] of Object.entries(services)) {
        for (const [slot, largest] of Object.entries(slots)) {
          const errors = indexes.map((index) => largest[`${index}`] ?? 0);
          this.#put(into, key, Number(slot) * SLOT_STEPS, errors);
        }
      }
    }
    return undefined;
  }
}

/** True for what a job does: ask for more and use more. */
function isLoad({ signal }: Feature): boolean {
  return signal === 'traffic' || signal === 'saturation';
}

function around(slot: number): [number, number, number] {
  return [slot - 1, slot, slot + 1];
}

function packed(services: ReadonlyMap<string, SlotErrors>): Record<string, object> {
  return Object.fromEntries(
    [...services].map(([key, slots]) => [
      key,
      Object.fromEntries([...slots].map(([slot, largest]) => [slot, Object.fromEntries(largest)])),
    ]),
  );
}

function slotOf(step: number): number {
  return Math.floor(step / SLOT_STEPS);
}
