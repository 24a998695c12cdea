import { columnIndex } from '../../features/columns.ts';
import type { Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { stepsBetween } from '../../fleet/steps.ts';
import { median, robustSpread, sortedFinite } from '../../numeric/statistics.ts';
import { loadOf } from '../../tensor/load.ts';
import { type ColumnScaling, unexplained, valueAt } from '../../tensor/scaling.ts';
import type { TensorShape } from '../../tensor/tensor.ts';
import type { Profile } from '../profiles/profile.ts';
import { HARMFUL_CHANGE, HARMFUL_SATURATION } from '../severity.ts';

/** A feature of a service that has changed for good. */
export interface LevelShift {
  /** Index of the feature. */
  readonly feature: number;
  /** First step at the new level. */
  readonly since: number;
  /** Step at which it was taken for lasting. */
  readonly accepted: number;
  /** Difference from the old level, scaled units: a log ratio for log features. */
  readonly by: number;
}

/** Steps that a change has to last until it is the new normal: a quarter of those learned from, within these bounds. */
const [MIN_STEPS, MAX_STEPS] = [8, 20];
/** Share of these steps that must have a value. */
const MIN_OBSERVED = 0.8;
/** Every value lies at least so many spreads on the same side. */
const MIN_DEVIATIONS = 1.5;
/** A level is steady if its spread, and the difference of its halves, is at most this share of the change ... */
const STEADY_SHARE = 0.35;
/** ... or so many of the spreads that the feature had before. */
const STEADY_SPREADS = 2;

/** Changes that have lasted and are steady, so that they age within minutes instead of alarming for a day. */
export class Levels {
  readonly #services = new Map<string, readonly LevelShift[]>();
  #latest: number | undefined;

  shiftsOf(key: string): readonly LevelShift[] {
    return this.#services.get(key) ?? [];
  }

  /** The last step at which a shift was accepted; undefined without any. */
  get latest(): number | undefined {
    return this.#latest;
  }

  /** All shifts, by service. */
  get all(): ReadonlyMap<string, readonly LevelShift[]> {
    return this.#services;
  }

  /** Replaces what is known by what was saved. */
  restore(services: Iterable<readonly [string, readonly LevelShift[]]>): void {
    this.#services.clear();
    for (const [key, shifts] of services) this.#services.set(key, shifts);
  }

  /** The scalings of a profile at the new levels that it doesn't know yet. */
  scalingsOf(features: readonly Feature[], key: string, profile: Profile): Profile['scalings'] {
    const shifts = this.shiftsOf(key).filter(({ accepted }) => profile.to < accepted);
    if (shifts.length === 0) return profile.scalings;
    const by = new Map(shifts.map((shift) => [shift.feature, shift.by]));
    return profile.scalings.map((scaling, column) => {
      const feature = column % features.length;
      const moved = by.get(feature);
      if (scaling === undefined || moved === undefined) return scaling;
      return { ...scaling, center: valueAt(features[feature]!, moved, scaling.center), reference: scaling.center };
    });
  }

  /**
   * Looks for new levels of an anomalous service, and ends those that it has left.
   *
   * @param features indexes of the features that make the score
   * @returns the shifts that were found
   */
  observe(
    shape: TensorShape,
    key: string,
    history: History,
    step: number,
    profile: Profile,
    features: readonly number[],
  ): readonly LevelShift[] {
    const left = this.shiftsOf(key).filter((shift) => !this.#isBack(shape, history, step, profile, shift));
    const found = features.flatMap((feature) => newLevel(shape, history, step, profile, feature) ?? []);
    const kept = left.filter((shift) => !found.some(({ feature }) => feature === shift.feature));
    const shifts = [...kept, ...found];
    if (shifts.length > 0) this.#services.set(key, shifts);
    else this.#services.delete(key);
    if (found.length > 0) this.#latest = step;
    return found;
  }

  /** Removes shifts that are older than the history that is learned from, and services that are unknown. */
  forget(before: number, isKnown: (key: string) => boolean): void {
    for (const [key, shifts] of this.#services) {
      const young = shifts.filter(({ since }) => since >= before);
      if (young.length > 0 && isKnown(key)) this.#services.set(key, young);
      else this.#services.delete(key);
    }
  }

  #isBack(shape: TensorShape, history: History, step: number, profile: Profile, shift: LevelShift): boolean {
    if (profile.to >= shift.accepted) return false;
    const { away, scaling } = recent(shape, history, { from: step - MIN_STEPS + 1, to: step }, profile, shift.feature);
    if (scaling === undefined || away.length < MIN_OBSERVED * MIN_STEPS) return false;
    return Math.abs(median(away)) < MIN_DEVIATIONS * scaling.spread;
  }
}

/** The new level of a feature, if it has one. */
function newLevel(
  shape: TensorShape,
  history: History,
  step: number,
  profile: Profile,
  feature: number,
): LevelShift | undefined {
  const now = recent(shape, history, { from: step, to: step }, profile, feature).away[0];
  if (now === undefined || doesHarm(shape.features[feature]!, now)) return undefined;
  const steps = Math.round(Math.min(MAX_STEPS, Math.max(MIN_STEPS, profile.windows / 4)));
  const range = { from: step - steps + 1, to: step };
  const { away, scaling } = recent(shape, history, range, profile, feature);
  if (scaling === undefined || away.length < MIN_OBSERVED * steps) return undefined;
  if (!away.every((value) => value * Math.sign(now) > MIN_DEVIATIONS * scaling.spread)) return undefined;
  const by = median(away);
  const half = Math.floor(away.length / 2);
  const drift = median(away.slice(half)) - median(away.slice(0, half));
  const limit = Math.max(STEADY_SPREADS * scaling.spread, STEADY_SHARE * Math.abs(by));
  if (robustSpread(sortedFinite(away)) > limit || Math.abs(drift) > limit) return undefined;
  return { feature, since: range.from, accepted: step, by };
}

/**
 * Answers that take twice as long, more failures and several times the resources do harm, however long they last: they stay
 * an incident until they are half of a service's past.
 */
function doesHarm({ signal, failure, scale }: Feature, away: number): boolean {
  if (away <= 0) return false;
  if (signal === 'latency') return scale !== 'log' || away >= HARMFUL_CHANGE;
  return failure === true || (signal === 'saturation' && away > HARMFUL_SATURATION);
}

/** What the load doesn't explain of a feature's differences from the old level, in the shortest window. */
function recent(
  shape: TensorShape,
  history: History,
  { from, to }: { readonly from: number; readonly to: number },
  { scalings }: Profile,
  feature: number,
): { readonly away: number[]; readonly scaling: ColumnScaling | undefined } {
  const column = columnIndex(shape.features, 0, feature);
  const scaling = scalings[column];
  if (scaling === undefined) return { away: [], scaling };
  const away = stepsBetween(from, to).map((step) => {
    const load = loadOf(shape.features, history.row(step), scalings)[0] ?? 0;
    return unexplained(shape.features[feature]!, history.get(step, column), scaling, load);
  });
  return { away: away.filter(Number.isFinite), scaling };
}
