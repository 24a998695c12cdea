/** Services that must have been there for the loss of most of them to be an outage. */
const MIN_SERVICES = 4;
/** Steps for which most services may be missing together as an outage: after that, they have ended. */
const MAX_OUTAGE_STEPS = 10;

/**
 * True if so many services lack values at once that the store, a rule or the exporters must have failed: all of them, or
 * most of those that were there at the step before.
 *
 * @param before services with values at the last step that was no outage
 * @param missing services without values at that step
 * @param steps that the outage has lasted
 */
export function isOutage(
  before: ReadonlyMap<string, unknown>,
  present: ReadonlyMap<string, unknown>,
  missing: ReadonlyMap<string, unknown>,
  steps: number,
): boolean {
  if (present.size === 0) return true;
  if (before.size < MIN_SERVICES || steps >= MAX_OUTAGE_STEPS) return false;
  const lost = [...before.keys()].filter((key) => !present.has(key) && !missing.has(key)).length;
  return lost > before.size / 2;
}
