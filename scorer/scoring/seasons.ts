import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ScorerConfig } from '../config.ts';
import type { FeatureSet } from '../features/features.ts';
import { writeAtomically } from '../../daemon/atomic-write.ts';

/** Steps in a slot: what was seen at 03:05 is expected within the neighbouring slots too. */
const SLOT_STEPS = 15;
/** Errors up to this many times the fault-free size are everyday noise and not remembered. */
const MIN_REMEMBERED = 1.5;
/** How much louder than last time a season may be. */
const MARGIN = 1.5;

/** The seasons that a configuration asks for, nothing seen yet. */
export function createSeasons(set: FeatureSet, { interval, learning }: ScorerConfig): Seasons {
  return new Seasons(
    set.features.map(({ name }) => name),
    learning.seasons.map((period) => Math.round(period / interval)),
  );
}

/** A service's slots: for each the largest error of each feature that was loud in it. */
type LoudSlots = Map<number, Map<number, number>>;

const documentSchema = z.strictObject({
  format: z.literal(1),
  features: z.array(z.string()),
  services: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.number()))),
});

/**
 * What was loud at the same time a day or a week ago, so that the nightly job, once seen, doesn't alarm again. A feature is
 * tolerated as far as it went then and a margin more, in that slot and its neighbours; every other feature and time is judged as ever.
 * The price: what went wrong yesterday is tolerated once, today at the same time, in the same features.
 */
export class Seasons {
  readonly #features: readonly string[];
  readonly #periods: readonly number[];
  readonly #services = new Map<string, LoudSlots>();

  /**
   * @param features names, in the order of the errors
   * @param periods in steps, such as a day's and a week's
   */
  constructor(features: readonly string[], periods: readonly number[]) {
    this.#features = features;
    this.#periods = periods;
  }

  /** Remembers a service's errors, in units of their fault-free size, a value a feature; before any tolerance. */
  record(key: string, step: number, errors: readonly number[]): void {
    for (const [feature, error] of errors.entries()) {
      if (!(error >= MIN_REMEMBERED)) continue;
      const slots = this.#services.get(key) ?? new Map<number, Map<number, number>>();
      this.#services.set(key, slots);
      const slot = slotOf(step);
      const loud = slots.get(slot) ?? new Map<number, number>();
      slots.set(slot, loud);
      loud.set(feature, Math.max(error, loud.get(feature) ?? 0));
    }
  }

  /**
   * By how much each feature's fault-free size is to be taken larger at this step: 1 where nothing was loud at this time before.
   *
   * @returns undefined when no feature was
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
          tolerance[feature] = Math.max(tolerance[feature] ?? 1, MARGIN * error);
        }
      }
    }
    return tolerance;
  }

  /** Forgets what lies further back than the longest period asks for, and services that `isKnown` denies. */
  forget(step: number, isKnown: (key: string) => boolean): void {
    const oldest = slotOf(step - Math.max(0, ...this.#periods)) - 1;
    for (const [key, slots] of this.#services) {
      for (const slot of slots.keys()) if (slot < oldest) slots.delete(slot);
      if (slots.size === 0 || !isKnown(key)) this.#services.delete(key);
    }
  }

  /** Services of which something is remembered. */
  get size(): number {
    return this.#services.size;
  }

  /** Writes atomically. */
  async save(path: string): Promise<void> {
    const services = Object.fromEntries(
      [...this.#services].map(([key, slots]) => [
        key,
        Object.fromEntries([...slots].map(([slot, loud]) => [slot, Object.fromEntries(loud)])),
      ]),
    );
    const content = JSON.stringify({ format: 1, features: this.#features, services });
    await writeAtomically([{ path, content }]);
  }

  /**
   * Takes what was saved, the larger of two errors where both know one. Features go by their names, so a changed list loses
   * only what it dropped.
   *
   * @returns why the file wasn't used; undefined when it was, or wasn't there
   */
  load(path: string): string | undefined {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : (error as Error).message;
    }
    const parsed = documentSchema.safeParse(parseJson(text));
    if (!parsed.success) return `${path}: not a file of seasons of this version`;
    const { features, services } = parsed.data;
    const indexes = features.map((name) => this.#features.indexOf(name));
    for (const [key, slots] of Object.entries(services)) {
      for (const [slot, loud] of Object.entries(slots)) {
        const errors = this.#features.map((_, feature) => loud[`${indexes.indexOf(feature)}`] ?? 0);
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
