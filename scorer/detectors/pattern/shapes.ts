import type { Random } from '../../numeric/random.ts';

/** Points of a series that is classified. */
export const PATTERN_LENGTH = 64;

/** Shapes of an anomaly in a series that was level before, as Nedelkoski, Cardoso and Kao name them (CLOUD 2019, figure 4). */
export const SHAPES = [
  'additive_outlier',
  'mean_shift',
  'shifted_mean',
  'temporary_change',
  'step_and_decrement',
  'incremental',
  'gradual',
] as const;
export type Shape = (typeof SHAPES)[number];

/** A series: 0 where it is level, 1 where the anomaly is largest. @param at points, the anomaly begins at `start` */
type Drawing = (start: number, random: Random) => (at: number) => number;

const between = (random: Random, low: number, high: number) => low + (high - low) * random.uniform();

/** Each shape as a function of time. */
const DRAWINGS: Readonly<Record<Shape, Drawing>> = {
  // One to three points.
  additive_outlier: (start, random) => {
    const width = 1 + Math.floor(3 * random.uniform());
    return (at) => Number(at >= start && at < start + width);
  },
  // Up, and it stays.
  mean_shift: (start) => (at) => Number(at >= start),
  // Up for a while, and back at once.
  shifted_mean: (start, random) => {
    const end = start + Math.max(6, between(random, 0.3, 0.8) * (PATTERN_LENGTH - start));
    return (at) => Number(at >= start && at < end);
  },
  // Up, and back by an exponential.
  temporary_change: (start, random) => {
    const decay = between(random, 0.75, 0.9);
    return (at) => (at < start ? 0 : decay ** (at - start));
  },
  // Up, and back along a line.
  step_and_decrement: (start, random) => {
    const length = between(random, 0.7, 1.2) * (PATTERN_LENGTH - start);
    return (at) => (at < start ? 0 : Math.max(0, 1 - (at - start) / length));
  },
  // Up in three to five steps.
  incremental: (start, random) => {
    const steps = 3 + Math.floor(3 * random.uniform());
    const length = (PATTERN_LENGTH - start) / steps;
    return (at) => (at < start ? 0 : Math.min(1, (1 + Math.floor((at - start) / length)) / steps));
  },
  // Up along a line.
  gradual: (start) => (at) => (at < start ? 0 : (at - start + 1) / (PATTERN_LENGTH - start)),
};

/** A random drawing of a shape, between 0 and 1, without noise. */
export function drawShape(shape: Shape, random: Random): Float32Array {
  // Enough of the level before it and of the shape itself for a person to name it.
  const start = Math.floor(between(random, 0.2, 0.6) * PATTERN_LENGTH);
  const value = DRAWINGS[shape](start, random);
  return Float32Array.from({ length: PATTERN_LENGTH }, (_, at) => value(at));
}

/** One series for each line of a user's examples; of any length. */
export interface NamedExample {
  readonly name: string;
  readonly values: readonly number[];
}

/** Noise of which standard deviation is added, in amplitudes of the shape. */
const NOISE = 0.05;
/** Points by which an example is moved, at most. */
const MAX_MOVE = 6;

/**
 * An example as training sees it: moved, with noise of a random deviation, and normalised.
 *
 * @param maxNoise upper bound of the noise's standard deviation, in amplitudes of the shape; default 0.05
 */
export function augment(values: ArrayLike<number>, random: Random, maxNoise = NOISE): Float32Array {
  return disturb(values, random, maxNoise * random.uniform());
}

/**
 * An example moved, with another amplitude, upside down every other time, with noise, and normalised.
 *
 * @param noise its standard deviation, in amplitudes of the shape
 */
export function disturb(values: ArrayLike<number>, random: Random, noise: number): Float32Array {
  const move = Math.round(between(random, -MAX_MOVE, MAX_MOVE));
  const amplitude = (random.uniform() < 0.5 ? -1 : 1) * between(random, 0.5, 2);
  const last = values.length - 1;
  const moved = Float32Array.from(
    { length: values.length },
    (_, at) => values[Math.min(last, Math.max(0, at - move))]!,
  );
  return normalise(moved.map((value) => amplitude * (value + noise * random.normal())));
}

/**
 * A series as the classifier sees it: resampled to 64 points, in 0..1, and with the anomaly upwards (the level of most points
 * is at the bottom), so that one network serves rises and falls.
 */
export function normalise(values: ArrayLike<number>): Float32Array {
  const series = resample(values, PATTERN_LENGTH);
  const [min, max] = [Math.min(...series), Math.max(...series)];
  if (!(max > min)) return new Float32Array(PATTERN_LENGTH);
  const scaled = series.map((value) => (value - min) / (max - min));
  return rises(series) ? scaled : scaled.map((value) => 1 - value);
}

/** Points at the beginning that stand for the level before the anomaly: a start lies behind them. */
const LEVEL_POINTS = Math.floor(0.1 * PATTERN_LENGTH);

/** Whether the anomaly goes up from the level at the beginning. */
export function rises(values: ArrayLike<number>): boolean {
  const series = Array.from(values);
  const level = series.slice(0, LEVEL_POINTS).reduce((sum, value) => sum + value, 0) / LEVEL_POINTS;
  const [up, down] = [Math.max(...series) - level, level - Math.min(...series)];
  return up >= down;
}

/** The nearest of the values for each of `length` points: a step stays a step. */
function resample(values: ArrayLike<number>, length: number): Float32Array {
  const last = values.length - 1;
  return Float32Array.from({ length }, (_, index) => values[Math.round((index * last) / (length - 1))] ?? 0);
}
