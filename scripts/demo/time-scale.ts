import { dump, load } from 'js-yaml';
import { formatDuration, parseDuration } from '../../daemon/config-file.ts';

/** The demo is twelve times as fast: five seconds correspond to a minute. */
export const TIME_SCALE = 12;

/** Converts a duration of the shipped files to demo time, at least `minMs`. */
export function scaleDuration(text: string, minMs = 1000): string {
  const milliseconds = parseDuration(text);
  if (milliseconds === undefined) throw new Error(`not a duration: ${text}`);
  return formatDuration(Math.max(minMs, milliseconds / TIME_SCALE));
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * The text of a shipped YAML file with the durations under `keys` in demo time.
 *
 * @example scaleYaml(text, ['for', 'interval'])
 */
export function scaleYaml(text: string, keys: readonly string[]): string {
  return dump(scaleValue(load(text) as Json, new Set(keys)), { lineWidth: -1 });
}

/** The keys of a file of alerts that are durations. */
export const ALERT_DURATIONS = ['for', 'keep_firing_for', 'interval'] as const;

/**
 * The text of the alerts of services in demo time: how long alerts are pending, and the ranges and offsets of the same
 * length in an expression that looks back as far.
 */
export function scaleAlerts(text: string): string {
  const [, pending = ''] = /^ +for: (\S+)$/m.exec(text) ?? [];
  const scaled = scaleDuration(pending);
  const looking = text
    .replaceAll(`[${pending}]`, `[${scaled}]`)
    .replaceAll(new RegExp(`offset ${pending}\\b`, 'g'), `offset ${scaled}`);
  return scaleYaml(looking, ALERT_DURATIONS);
}

function scaleValue(value: Json, keys: ReadonlySet<string>, scaled = false): Json {
  if (Array.isArray(value)) return value.map((item) => scaleValue(item, keys, scaled));
  if (typeof value === 'string') return scaled ? scaleDuration(value) : value;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, scaleValue(inner, keys, keys.has(key))]));
}
