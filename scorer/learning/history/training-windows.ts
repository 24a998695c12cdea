import { createHash } from 'node:crypto';
import { columnCount } from '../../features/columns.ts';
import { evenly } from '../../numeric/evenly.ts';
import { learnScalings } from '../../scoring/profiles/scalings.ts';
import { usualSteps } from '../../scoring/profiles/usual-steps.ts';
import { allocateWindows, encodeWindow, type TensorShape, windowSize } from '../../tensor/tensor.ts';
import type { WindowSource } from '../../training/windows.ts';
import type { ServicePast } from './clean.ts';

/** Maximum number of training windows: more take longer and hardly improve the network. */
const MAX_WINDOWS = 16_000;

/** The usual steps of all services before their held-out parts, in time order, encoded on demand. */
export function trainingWindows(shape: TensorShape, services: readonly ServicePast[]): WindowSource {
  const { windows } = shape;
  const quota = Math.ceil(MAX_WINDOWS / services.length);
  const rows = services.flatMap(({ history, from, to, heldOutFrom }) => {
    const scalings = learnScalings(shape.features, columnCount(shape.features), history, from, to, { windows });
    const usual = usualSteps(shape, history, { from, to }, scalings).filter((step) => step < heldOutFrom);
    return evenly(usual, quota).map((step) => ({ history, scalings, step }));
  });
  rows.sort((a, b) => a.step - b.step);
  const one = allocateWindows(shape, 1);
  const size = windowSize(shape);
  return {
    count: rows.length,
    copy(index, data, mask, offset) {
      const row = rows[index];
      if (row === undefined) throw new RangeError(`no window ${index}`);
      encodeWindow(shape, row.history, row.step, row.scalings, one, 0);
      data.set(one.data.subarray(0, size), offset);
      mask.set(one.mask.subarray(0, size), offset);
    },
  };
}

/** SHA-256 of the windows, hexadecimal. */
export function digestWindows(shape: TensorShape, windows: WindowSource): string {
  const { data, mask } = allocateWindows(shape, 1);
  const hash = createHash('sha256');
  for (let index = 0; index < windows.count; index++) {
    windows.copy(index, data, mask, 0);
    hash.update(data).update(mask);
  }
  return hash.digest('hex');
}
