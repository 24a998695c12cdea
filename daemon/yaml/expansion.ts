/** A value is a multiple of what its file says, or has no end. */
export class ExpansionError extends Error {
  readonly code = 'EXPANSION';
  override readonly name = 'ExpansionError';
}

/** Aliases may multiply a file's content by this, beyond what is small anyway. */
const MAX_FACTOR = 4;
const SMALL = 100_000;
/** Levels of mappings and lists, aliases followed. */
const MAX_DEPTH = 200;

interface Extent {
  /** Values and characters of the tree below, aliases followed. */
  size: number;
  height: number;
}

/**
 * Checks that a value is no large multiple of its text: nine lists, each with ten aliases of the one before, are a
 * thousand million values to whoever follows them. Looks at each part once.
 *
 * @param length of the text that it was parsed from, in characters
 * @throws ExpansionError
 */
export function boundExpansion(value: unknown, length: number): void {
  const known = new Map<object, Extent>();
  const open = new Set<object>();
  const extentOf = (part: unknown): Extent => {
    if (typeof part === 'string') return { size: part.length + 1, height: 0 };
    if (typeof part !== 'object' || part === null) return { size: 1, height: 0 };
    const before = known.get(part);
    if (before !== undefined) return before;
    if (open.has(part)) throw new ExpansionError('an alias contains itself');
    open.add(part);
    const extent = { size: 1, height: 1 };
    for (const [key, inner] of Object.entries(part)) {
      const { size, height } = extentOf(inner);
      extent.size += size + (Array.isArray(part) ? 0 : key.length);
      extent.height = Math.max(extent.height, height + 1);
    }
    open.delete(part);
    // A level at a time, from the innermost, so that no recursion is deeper than this and what js-yaml allows.
    if (extent.height > MAX_DEPTH) throw new ExpansionError(`more than ${MAX_DEPTH} levels`);
    known.set(part, extent);
    return extent;
  };
  if (extentOf(value).size > SMALL + MAX_FACTOR * length) {
    throw new ExpansionError('its aliases multiply its content too often');
  }
}
