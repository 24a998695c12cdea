import { columnIndex } from '../../features/columns.ts';
import { CHANNELS } from '../../features/features.ts';
import type { Fleet } from '../../fleet/fleet.ts';
import type { LevelShift } from '../../scoring/experience/levels.ts';
import { valueAt } from '../../tensor/scaling.ts';

/** Features that have changed for good, by service. */
export type LevelShifts = ReadonlyMap<string, readonly LevelShift[]>;

/** Moves the values before each change by as much as it changed: what they say of noise and load stays right. */
export function moveToNewLevels(fleet: Fleet, shifts: LevelShifts): void {
  const { features } = fleet.set;
  for (const [key, history] of fleet.services) {
    for (const { feature, since, by } of shifts.get(key) ?? []) {
      const column = features[feature];
      // What follows the load was right at the load of its time.
      if (column === undefined || column.load === true) continue;
      for (let step = history.oldest; step < since; step++) {
        for (const channel of CHANNELS.keys()) {
          const at = columnIndex(features, channel, feature);
          history.put(step, at, valueAt(column, by, history.get(step, at)));
        }
      }
    }
  }
}
