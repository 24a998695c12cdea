import { setFlagsFromString } from 'node:v8';

/**
 * Compiles only hot functions from now on, straight to TurboFan, at 15 times V8's threshold. V8 never frees baseline code or
 * its feedback, and counts over a function's whole life how much of it has run: within days it would compile nearly
 * everything that a program ever runs, and RSS would creep up by megabytes. What dominates the work of a scrape or a cycle
 * is still compiled within the first ones.
 */
export function compileOnlyHotFunctions(): void {
  setFlagsFromString('--no-sparkplug');
  setFlagsFromString('--no-maglev');
  // V8 versions differ in the unit of the threshold, and reject each other's flags.
  setFlagsFromString(
    process.versions.node.startsWith('20.') ? '--interrupt-budget=1000000' : '--invocation-count-for-turbofan=45000',
  );
}
