import type { Exporter } from '../exporter/program.ts';
import { residentBytes } from '../resident-memory.ts';

/** The kernel maps with rows for cgroups. */
export const MAPS = ['services', 'http_responses', 'edges', 'listeners', 'cgroups'] as const;

/** The values of one scrape. */
export interface Measurement {
  /** Milliseconds since the start of the soak. */
  readonly at: number;
  readonly residentMb: number;
  readonly series: number;
  /** Rows by kernel map, in the order of `MAPS`. */
  readonly rows: readonly number[];
  /** Events lost because a map was full. */
  readonly lost: number;
  /** All samples, by series. */
  readonly samples: Readonly<Record<string, number>>;
}

const SELF = 'lorikeet_exporter_';

export async function measure(exporter: Exporter, at: number): Promise<Measurement> {
  const samples = await exporter.samples('lorikeet_');
  const lost = Object.entries(samples).filter(
    // Without sockets older than the exporter, which are not lost because of a full map.
    ([line]) => line.startsWith(`${SELF}lost_events_total`) && !line.includes('map="sockets"'),
  );
  return {
    at,
    residentMb: residentBytes(exporter.pid) / 1e6,
    series: samples[`${SELF}series`] ?? 0,
    rows: MAPS.map((map) => samples[`${SELF}bpf_map_entries{map="${map}"}`] ?? 0),
    lost: lost.reduce((sum, [, count]) => sum + count, 0),
    samples,
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

/** A line of medians for each minute. */
export function table(measurements: readonly Measurement[]): string {
  const minutes = new Map<number, Measurement[]>();
  for (const measurement of measurements) {
    const minute = Math.floor(measurement.at / 60_000);
    minutes.set(minute, [...(minutes.get(minute) ?? []), measurement]);
  }
  const row = (cells: readonly (string | number)[]): string => cells.map((cell) => String(cell).padStart(16)).join('');
  const lines = [...minutes].map(([minute, of]) => {
    const counts = [of.map(({ series }) => series), ...MAPS.map((_, index) => of.map(({ rows }) => rows[index] ?? 0))];
    const memory = median(of.map(({ residentMb: mb }) => mb)).toFixed(1);
    return row([minute, of.length, memory, ...counts.map(median), Math.max(...of.map(({ lost }) => lost))]);
  });
  return [row(['minute', 'scrapes', 'resident MB', 'series', ...MAPS, 'lost']), ...lines].join('\n');
}
