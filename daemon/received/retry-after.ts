/**
 * Parses a Retry-After header, seconds or a date (RFC 9110, 10.2.3), to milliseconds; undefined if absent or invalid.
 * The server chooses the value, so the caller must bound it: a timer of more than 24 days fires at once.
 */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  // Date.parse alone accepts almost any text.
  const date = header.endsWith(' GMT') ? Date.parse(header) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}
