import { FAULT_ARGUMENTS, type FaultArgs, type FaultType } from '../protocol/fault.ts';
import { SimError } from '../protocol/error.ts';
import { createRandom, type Random } from '../protocol/random.ts';

/** Times in milliseconds. */
export interface ScheduleOptions {
  readonly duration: number;
  /** Number of faults; undefined: as many as fit. */
  readonly faults: number | undefined;
  readonly faultDuration: number;
  /** Minimum normal time after each fault. */
  readonly recovery: number;
  /** Normal time before the first fault. */
  readonly warmup: number;
  readonly seed: number;
  readonly services: readonly string[];
  readonly types: readonly FaultType[];
}

export interface PlannedFault {
  /** Time since the start of the recording. */
  readonly at: number;
  readonly duration: number;
  readonly service: string;
  readonly type: FaultType;
  readonly args: FaultArgs;
}

/**
 * Faults at random times on random services, deterministic for a seed. Every type and every service is
 * used once before any is used again, so that short recordings are balanced.
 *
 * @throws SimError if the faults do not fit into the duration.
 */
export function planFaults(options: ScheduleOptions): PlannedFault[] {
  const { duration, faultDuration, recovery, warmup } = options;
  const occupied = faultDuration + recovery;
  const fit = Math.max(0, Math.floor((duration - warmup) / occupied));
  const count = options.faults ?? fit;
  if (count > fit) {
    const needed = (warmup + count * occupied) / 1000;
    throw new SimError(`${count} faults need at least ${needed} s, but the duration is ${duration / 1000} s`);
  }
  const random = createRandom(options.seed);
  const services = inTurns(options.services, random);
  const types = inTurns(options.types, random);
  const slot = (duration - warmup) / Math.max(1, count);
  return Array.from({ length: count }, (_, index) => {
    const type = types();
    const late = random.next() * (slot - occupied);
    return {
      at: Math.round(warmup + index * slot + late),
      duration: faultDuration,
      service: services(),
      type,
      args: drawArgs(type, random),
    };
  });
}

/** Each item once in random order, then again in another order; no item twice in a row. */
function inTurns<T>(items: readonly T[], random: Random): () => T {
  let rest: T[] = [];
  let last: T | undefined;
  return () => {
    if (rest.length === 0) {
      rest = random.shuffle(items);
      if (rest.at(-1) === last) rest.reverse();
    }
    last = rest.pop();
    if (last === undefined) throw new SimError('nothing to choose from');
    return last;
  };
}

function drawArgs(type: FaultType, random: Random): FaultArgs {
  const drawn = Object.entries(FAULT_ARGUMENTS[type]).map(
    ([
      name,
      {
        usual: [min, max],
      },
    ]) => {
      const value = min + random.next() * (max - min);
      return [name, Number(value.toPrecision(2))] as const;
    },
  );
  return Object.fromEntries(drawn);
}
