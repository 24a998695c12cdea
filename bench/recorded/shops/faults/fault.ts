/** What a fault does; `amount` of each is explained here. */
export type Harm =
  /** Its own time for a request is longer, by `amount` seconds. */
  | 'slow'
  /** Something else in the container takes `amount` of its processors, a share. */
  | 'hog'
  /** Memory grows by `amount` of what it is usually. */
  | 'leak'
  /** Its processes are gone, and die again soon after each start. */
  | 'down'
  /** `amount` of the requests fail at once, a share. */
  | 'failing'
  /** Packets between a client and the service take `amount` seconds longer. */
  | 'delay'
  /** `amount` of the packets between a client and the service are lost, a share. */
  | 'loss';

/** Something that acts on a service for some time. */
export interface Trouble {
  readonly service: string;
  readonly harm: Harm;
  readonly amount: number;
  /** Seconds since the start of the recording. */
  readonly from: number;
  readonly to: number;
  /** True if it grows from nothing to `amount` in that time. */
  readonly grows: boolean;
  /** The number of replicas that have it. Default: all. */
  readonly replicas?: number | undefined;
  /** Of `delay` and `loss`: the client whose packets they are. */
  readonly client?: string | undefined;
}

/** A trouble that has to be found. */
export interface ShopFault extends Trouble {
  readonly type: string;
}

/** What acts on a replica at a time. */
export interface Effects {
  readonly slow: number;
  readonly hog: number;
  readonly leak: number;
  readonly down: boolean;
  readonly failing: number;
}

export const NO_EFFECTS: Effects = { slow: 0, hog: 0, leak: 0, down: false, failing: 0 };

/** Seconds of a round of crashes, and those of it that a process lives. */
const [CRASH_ROUND, CRASH_ALIVE] = [150, 30];

/** How much of a trouble acts at a time, in units of its amount; 0 if none. */
export function strengthAt({ amount, from, to, grows }: Trouble, time: number): number {
  if (time < from || time >= to) return 0;
  return grows ? (amount * (time - from)) / (to - from) : amount;
}

/** What acts on one replica of a service. @param troubles those of the service */
export function effectsAt(troubles: readonly Trouble[], replica: number, time: number): Effects {
  let effects = NO_EFFECTS;
  for (const trouble of troubles) {
    const strength = strengthAt(trouble, time);
    if (strength <= 0 || replica >= (trouble.replicas ?? Infinity)) continue;
    effects = withHarm(effects, trouble, strength, time);
  }
  return effects;
}

function withHarm(effects: Effects, { harm, from }: Trouble, strength: number, time: number): Effects {
  switch (harm) {
    case 'slow':
      return { ...effects, slow: effects.slow + strength };
    case 'hog':
      return { ...effects, hog: Math.min(0.98, effects.hog + strength) };
    case 'leak':
      return { ...effects, leak: effects.leak + strength };
    case 'down':
      return { ...effects, down: (time - from) % CRASH_ROUND < CRASH_ROUND - CRASH_ALIVE };
    case 'failing':
      return { ...effects, failing: Math.min(1, effects.failing + strength) };
    case 'delay':
    case 'loss':
      return effects;
  }
}

/** Of the packets from one client to a service: seconds longer, and the share that is lost. */
export function networkAt(troubles: readonly Trouble[], client: string, time: number): { delay: number; loss: number } {
  let [delay, loss] = [0, 0];
  for (const trouble of troubles) {
    if (trouble.client !== client) continue;
    const strength = strengthAt(trouble, time);
    if (trouble.harm === 'delay') delay += strength;
    if (trouble.harm === 'loss') loss += strength;
  }
  return { delay, loss };
}
