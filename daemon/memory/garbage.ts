import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Runs V8's full garbage collection synchronously, a few milliseconds for each 10 MB in use. The flag applies to
 * contexts created after it, so the program need not be started with `--expose-gc`.
 */
export function exposedCollection(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
