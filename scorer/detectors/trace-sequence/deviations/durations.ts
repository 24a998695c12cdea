import { z } from 'zod';
import { median, quantileSorted, robustSpread, sortedFinite } from '../../../numeric/statistics.ts';
import type { EventSequence, TraceEvent } from '../events/events.ts';

/** A log-normal distribution. */
const distributionSchema = z.strictObject({
  /** Of the logarithm of milliseconds. */
  median: z.number(),
  spread: z.number().positive(),
});

const durationSchema = z.strictObject({
  own: distributionSchema.nullable(),
  way: distributionSchema.nullable(),
});

/** By representative: the time that its destination works itself, and the time on the way to it. */
export const durationsSchema = z.record(z.string(), durationSchema);
export type Durations = z.output<typeof durationsSchema>;
type Distribution = z.output<typeof distributionSchema>;

/** Shorter ones are within what clocks and schedulers add. */
const MIN_MS = 0.1;
/** Of a logarithm: nothing takes the same time twice. */
const MIN_SPREAD = 0.3;
/** A representative with fewer durations isn't judged. */
const MIN_COUNT = 5;
/** With fewer durations than this, a spread may be no smaller than is usual. */
const SURE_COUNT = 50;
/** Durations of one representative that are read. */
const MAX_COUNT = 5000;

const PARTS = ['own', 'way'] as const;
export type DurationPart = (typeof PARTS)[number];

export function durationOf({ ownMs, wayMs }: TraceEvent, part: DurationPart): number {
  return part === 'own' ? ownMs : wayMs;
}

export function learnDurations(sequences: readonly EventSequence[]): Durations {
  const values = new Map<string, Record<DurationPart, number[]>>();
  for (const { events } of sequences) {
    for (const event of events) {
      const { key } = event.representative;
      let of = values.get(key);
      if (of === undefined) values.set(key, (of = { own: [], way: [] }));
      for (const part of PARTS) {
        const ms = durationOf(event, part);
        // A failed one may have been cut short, or have waited for a timeout.
        if (!event.failed && Number.isFinite(ms) && of[part].length < MAX_COUNT) of[part].push(logOf(ms));
      }
    }
  }
  const usual = Object.fromEntries(
    PARTS.map((part) => [part, usualSpread([...values.values()].map((of) => of[part]))]),
  );
  return Object.fromEntries(
    [...values].map(([key, { own, way }]) => [
      key,
      { own: distributionOf(own, usual['own']!), way: distributionOf(way, usual['way']!) },
    ]),
  );
}

function usualSpread(all: readonly (readonly number[])[]): number {
  const spreads = all.filter(({ length }) => length >= SURE_COUNT).map((values) => robustSpread(sortedFinite(values)));
  return Math.max(MIN_SPREAD, spreads.length === 0 ? 0.5 : median(spreads));
}

function distributionOf(logs: readonly number[], usual: number): Distribution | null {
  if (logs.length < MIN_COUNT) return null;
  const sorted = sortedFinite(logs);
  const least = logs.length < SURE_COUNT ? usual : MIN_SPREAD;
  return { median: quantileSorted(sorted, 0.5), spread: Math.max(least, robustSpread(sorted)) };
}

/** How far a duration is above the usual one, in standard deviations of its logarithm; NaN where none is known. */
export function excess(durations: Durations, event: TraceEvent, part: DurationPart): number {
  const distribution = durations[event.representative.key]?.[part];
  const ms = durationOf(event, part);
  if (distribution === undefined || distribution === null || !Number.isFinite(ms)) return NaN;
  return (logOf(ms) - distribution.median) / distribution.spread;
}

/** The usual duration in milliseconds. */
export function usualMs(durations: Durations, event: TraceEvent, part: DurationPart): number {
  return Math.exp(durations[event.representative.key]?.[part]?.median ?? NaN);
}

function logOf(ms: number): number {
  return Math.log(Math.max(MIN_MS, ms));
}
