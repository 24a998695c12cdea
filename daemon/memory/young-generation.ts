import { setFlagsFromString } from 'node:v8';

/**
 * Keeps V8's space for young objects at its initial size, 1 MB, from now on. V8 doubles it whenever as much survives as
 * it holds, up to 3 x 16 MB: garbage would spread over all of that before it is collected, and stay resident until the
 * next collection. V8 reads this flag each time the space would grow, so unlike `--max-semi-space-size` it also has an
 * effect after the start.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
