import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { durationSchema, readConfigFile } from '../../daemon/config-file.ts';

export const SCENARIOS = 'bench/life/scenarios';

const factor = z.number().nonnegative();

/** Factors on what a service does; `failures` are failed calls to it, a share of all. */
const changeSchema = z.strictObject({
  load: factor.optional(),
  /** Replicas: of so many times as many each gets its share, and all take memory. */
  capacity: factor.optional(),
  latency: factor.optional(),
  cpu: factor.optional(),
  memory: factor.optional(),
  bytes: factor.optional(),
  failures: z.number().min(0).max(1).optional(),
  /** Seconds that all its packets take longer: answers to its callers, and its own calls. */
  network: z.number().nonnegative().optional(),
  /** False: the service is gone. */
  present: z.boolean().optional(),
  /** False: it works, but Prometheus gets nothing of it. */
  scraped: z.boolean().optional(),
});

const eventSchema = z.strictObject({
  /** A service of the shop, or all. */
  service: z.string(),
  /** Time of life. */
  at: durationSchema.or(z.literal(0)),
  /** Without: to the end. */
  for: durationSchema.optional(),
  /** Repeated from `at` on, with this period. */
  every: durationSchema.optional(),
  /** The factors grow from 1 by the same ratio each minute until they are reached at the end of `for`. */
  grows: z.boolean().default(false),
  change: changeSchema,
  /** A fault that has to be seen: alerts while it lasts are right. */
  fault: z.boolean().default(false),
  /** Maximum time until the alert of any service. */
  within: durationSchema.default(10 * 60_000),
});
export type Event = z.output<typeof eventSchema>;

const scenarioSchema = z.strictObject({
  title: z.string(),
  hours: z.number().positive(),
  /** Hour of the day at which Lorikeet is installed, 0 is Monday's midnight. */
  begins: z.number().default(10),
  load: z
    .strictObject({
      /** Load at 4 in the morning, as a share of that at 16 h. */
      night: z.number().min(0).default(1),
      /** Factor on Saturdays and Sundays. */
      weekend: z.number().default(1),
      /** People's clocks are set on by so many hours. */
      clock_change: z.strictObject({ at: durationSchema, hours: z.number() }).optional(),
      /** Hours of the day without any traffic: from, to. */
      silent: z.tuple([z.number(), z.number()]).optional(),
      /** Minutes of each ten with traffic; the others have none. */
      busy_minutes_of_ten: z.number().optional(),
    })
    .prefault({}),
  events: z.array(eventSchema).default([]),
  /** What a user accepts; alarms during faults don't count. */
  wanted: z.strictObject({
    severe: z.number().default(0),
    warnings: z.number(),
    /** Total time of all alerts, minutes. */
    minutes: z.number().optional(),
    /** Alarms before this time of life don't count. */
    after: durationSchema.optional(),
  }),
});

/** Folders: settings were chosen on the scenarios of `tuned`; those of `held-out` were run once, at the end. */
export const SETS = ['tuned', 'held-out'] as const;

export interface Scenario extends z.output<typeof scenarioSchema> {
  readonly name: string;
  readonly set: string;
}

/** Reads the scenarios of all sets, sorted by name. @throws ConfigError */
export function readScenarios(folder: string): Scenario[] {
  return SETS.flatMap((set) =>
    readdirSync(join(folder, set), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.yaml'))
      .sort((one, other) => basename(one).localeCompare(basename(other)))
      .map((file) => ({
        name: basename(file, '.yaml'),
        set,
        ...readConfigFile(join(folder, set, file), scenarioSchema),
      })),
  );
}
