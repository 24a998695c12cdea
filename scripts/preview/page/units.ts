import { formattedValueToString, getValueFormat } from '@grafana/data';

/** Formats a value like Grafana. */
export function format(value: unknown, unit = 'short'): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'number' || !Number.isFinite(value)) return '';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return formattedValueToString(getValueFormat(unit)(value, digits)).replace(/\.0+(?=\D|$)/, '');
}
