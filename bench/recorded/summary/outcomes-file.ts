import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { JudgedMethod } from '../evaluate.ts';
import type { Outcome } from '../outcomes.ts';

/** A method on one shop, and what became of each fault; of several seeds, the first. */
export interface ShopOutcomes {
  readonly recording: string;
  readonly method: string;
  readonly title: string;
  readonly detects: boolean;
  readonly false_alarms: number;
  readonly service_days: number;
  /**
   * One line for each fault: its type, whether any alert and that of the culprit began (1 or 0), seconds until then, and the
   * culprit's place at the start, a cycle late, and at the alert; `-` for none.
   */
  readonly outcomes: readonly string[];
}

const schema = z.object({
  rows: z.array(
    z.object({
      recording: z.string(),
      method: z.string(),
      title: z.string(),
      detects: z.boolean(),
      false_alarms: z.number(),
      service_days: z.number(),
      outcomes: z.array(z.string()),
    }),
  ),
});

export function outcomesOf({ recording, method, title, detects, judged }: JudgedMethod): ShopOutcomes {
  const [first] = judged;
  if (first === undefined) throw new Error(`${method}: expected a seed`);
  const { falseAlarms, serviceDays, outcomes } = first;
  return {
    recording,
    method,
    title,
    detects,
    false_alarms: falseAlarms,
    service_days: serviceDays,
    outcomes: outcomes.map(asLine),
  };
}

/** Reads `bench/results/recorded/<name>.json`. */
export function readOutcomes(path: string): ShopOutcomes[] {
  return schema.parse(JSON.parse(readFileSync(path, 'utf8'))).rows;
}

function asLine({ type, seen, seenAtCulprit, delaySeconds, places }: Outcome): string {
  const number = (value: number) => (Number.isFinite(value) ? `${Math.round(value)}` : '-');
  const figures = [delaySeconds, places.start, places.late, places.alert].map(number);
  return [type, seen ? 1 : 0, seenAtCulprit ? 1 : 0, ...figures].join(' ');
}

/** The opposite of what was written. */
export function asOutcome(line: string): Outcome {
  const [type = '', seen, seenAtCulprit, ...figures] = line.split(' ');
  const place = (index: number) => (figures[index] === '-' ? Infinity : Number(figures[index]));
  return {
    type,
    seen: seen === '1',
    seenAtCulprit: seenAtCulprit === '1',
    delaySeconds: figures[0] === '-' ? NaN : Number(figures[0]),
    places: { start: place(1), late: place(2), alert: place(3) },
  };
}
