/** `file -> files that it imports`, relative to `root`. */
export function importsOf(root: string): ReadonlyMap<string, readonly string[]>;
/** Everything against the law of imports, a line each. */
export function violations(root: string): string[];
