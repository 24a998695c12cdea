import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's space for young objects at its first size, 1 MB, from now on. It doubles whenever as much has survived as it
 * holds, up to 3 x 16 MB: the garbage of a turn of work would be spread over all of that before it is collected, and stay
 * resident until the next. V8 reads this flag each time the space would grow, so it counts after the start too, where
 * `--max-semi-space-size` doesn't.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
