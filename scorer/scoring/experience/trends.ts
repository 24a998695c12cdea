import { columnIndex } from '../../features/columns.ts';
import { CHANNELS, type Feature } from '../../features/features.ts';
import type { History } from '../../fleet/history.ts';
import { median } from '../../numeric/statistics.ts';
import { loadFeature } from '../../tensor/load.ts';
import type { LoadResponse } from '../../tensor/response.ts';
import { type ColumnScaling, difference } from '../../tensor/scaling.ts';

/** One hour of a service: the median of each feature, NaN where it wasn't observed. */
export interface Hour {
  readonly hour: number;
  readonly values: readonly number[];
}

/** A resource of which a service uses ever more. */
export interface Trend {
  /** Index of the feature. */
  readonly feature: number;
  /** Log ratio of now to the beginning, without what the load explains. */
  readonly growth: number;
  /** First hour of the growth. */
  readonly since: number;
}

const MAX_HOURS = 7 * 24;
/** Growth is looked for over at least so many hours. */
const MIN_HOURS = 8;
/** Kendall's tau of the hours: 1 if every hour is above all those before. */
const MIN_TAU = 0.8;
/** Share of the growth within one hour: more is a step, not slow growth. */
const MAX_JUMP = 0.4;
/** Standard deviations of a learned slope. */
const SLOPE_ERRORS = 2;
/** Growth that a user wants to know of: the score is 1. */
const ALARMING_GROWTH = Math.log(2.2);

/** The score of a trend. */
export function trendScore({ growth }: Trend): number {
  return growth / ALARMING_GROWTH;
}

/**
 * Slow growth of resources, over hours and days: a leak that profiles would learn, a day at a time. Hours are compared with
 * each other, not with a profile.
 */
export class Trends {
  readonly #features: readonly Feature[];
  readonly #stepsPerHour: number;
  readonly #services = new Map<string, Hour[]>();
  readonly #found = new Map<string, Trend>();

  constructor(features: readonly Feature[], stepsPerHour: number) {
    this.#features = features;
    this.#stepsPerHour = Math.max(1, Math.round(stepsPerHour));
  }

  /** All hours, by service. */
  get all(): ReadonlyMap<string, readonly Hour[]> {
    return this.#services;
  }

  /** Replaces what is known by what was saved. */
  restore(services: Iterable<readonly [string, readonly Hour[]]>): void {
    this.#services.clear();
    for (const [key, hours] of services) this.#services.set(key, [...hours]);
  }

  /**
   * At the end of an hour, adds it and looks for growth.
   *
   * @param scalings of the service's profile, which tell how its features follow the load
   */
  observe(key: string, history: History, step: number, scalings: readonly (ColumnScaling | undefined)[]): void {
    if (step % this.#stepsPerHour !== 0) return;
    const hours = this.#services.get(key) ?? [];
    this.#services.set(key, hours);
    const hour = step / this.#stepsPerHour;
    if (hours.at(-1)?.hour === hour) return;
    hours.push({ hour, values: this.#medians(history, step) });
    if (hours.length > MAX_HOURS) hours.shift();
    const trend = this.#grows(hours, scalings);
    if (trend === undefined) this.#found.delete(key);
    else this.#found.set(key, trend);
  }

  trendOf(key: string): Trend | undefined {
    return this.#found.get(key);
  }

  forget(isKnown: (key: string) => boolean): void {
    for (const of of [this.#services, this.#found]) for (const key of of.keys()) if (!isKnown(key)) of.delete(key);
  }

  /** Of the longest window: the least noise. NaN for an hour in which nobody asked for anything. */
  #medians(history: History, step: number): number[] {
    const load = loadFeature(this.#features);
    const medians = this.#features.map((_, feature) => {
      const column = columnIndex(this.#features, CHANNELS.length - 1, feature);
      const steps = Math.min(this.#stepsPerHour, history.capacity - 1);
      return median(Array.from({ length: steps }, (__, back) => history.get(step - back, column)));
    });
    const isSilent = load !== undefined && medians[load]! < this.#features[load]!.floor;
    return isSilent ? medians.map(() => NaN) : medians;
  }

  /** The largest growth of any resource. */
  #grows(hours: readonly Hour[], scalings: readonly (ColumnScaling | undefined)[]): Trend | undefined {
    const load = loadFeature(this.#features);
    let largest: Trend | undefined;
    for (const [feature, { signal, scale }] of this.#features.entries()) {
      if (signal !== 'saturation' || scale !== 'log') continue;
      const response = scalings[columnIndex(this.#features, CHANNELS.length - 1, feature)]?.response;
      const trend = growthOf(this.#features, hours, feature, { load, most: largestSlope(response) });
      if (trend !== undefined && !(trend.growth <= (largest?.growth ?? 0))) largest = trend;
    }
    return largest;
  }
}

/** The most that a feature may follow the load: in proportion, or by what the service's past tells, within its error. */
function largestSlope(response: LoadResponse | undefined): number {
  if (response === undefined) return 1;
  return Math.min(1, Math.abs(response.slope) + SLOPE_ERRORS * response.uncertainty);
}

/**
 * The longest growth up to now: of all beginnings since which the hours rise, without a jump, the one with the largest growth.
 * Growth that the load could explain isn't any, neither with it nor against it: the fewer the requests, the more each uses.
 */
function growthOf(
  features: readonly Feature[],
  hours: readonly Hour[],
  feature: number,
  { load, most }: { readonly load: number | undefined; readonly most: number },
): Trend | undefined {
  const values = hours.map((hour) => hour.values[feature] ?? NaN);
  const away = (from: number, to: number) => difference(features[feature]!, values[to]!, values[from]!);
  const loadAt = (at: number) => (load === undefined ? NaN : (hours[at]!.values[load] ?? NaN));
  const last = hours.length - 1;
  let [rising, falling, jump, next] = [0, 0, 0, last];
  let largest: Trend | undefined;
  for (let first = last - 1; first >= 0; first--) {
    for (let at = first + 1; at <= last; at++) {
      if (values[at]! > values[first]!) rising++;
      else if (values[at]! < values[first]!) falling++;
    }
    if (!Number.isFinite(values[first])) continue;
    jump = Math.max(jump, away(first, next) || 0);
    next = first;
    if (last - first < MIN_HOURS - 1 || (rising - falling) / (rising + falling) < MIN_TAU) continue;
    const change = load === undefined ? 0 : Math.abs(difference(features[load]!, loadAt(last), loadAt(first)) || 0);
    const growth = away(first, last) - most * change;
    if (jump <= MAX_JUMP * growth && growth > (largest?.growth ?? 0)) {
      largest = { feature, growth, since: hours[first]!.hour };
    }
  }
  return largest;
}
