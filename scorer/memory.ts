import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Keeps V8's space for young objects at its first size, 1 MB, instead of letting it grow to 3 x 16 MB: a cycle makes much
 * garbage at once and then rests for a minute with all that space resident. Measured by `npm run bench:scorer`: the collections
 * that come more often cost no processor time that shows. To be called before the first cycle.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

let collect: (() => void) | undefined;

/**
 * Collects all garbage now. V8 by itself does so when it allocates, which a scorer between two cycles doesn't: the last answer's
 * buffers, hundreds of kilobytes of native memory behind small objects, would stay until the next cycle makes more of them.
 */
export function collectGarbage(): void {
  collect ??= exposedCollection();
  collect();
}

/** The flag counts for contexts that are made after it, so nobody has to start the program with `--expose-gc`. */
function exposedCollection(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
