import { type Effects, NO_EFFECTS } from '../faults/fault.ts';
import type { Pod } from '../series/pod-counts.ts';
import type { ShopService } from '../topology/topology.ts';

/** Memory at which a process is killed, as a multiple of what it usually has. */
const MEMORY_LIMIT = 2.2;
/** From a kill to the next start, seconds. */
const RESTART_SECONDS = 45;
/** Share of the limit from which collecting garbage takes processor time. */
const PRESSED = 0.8;
/** Seconds in which a new process becomes warm: it takes twice the processor time at first. */
const WARM_SECONDS = 90;
/** Seconds in which a new process' memory comes to its usual size. */
const GROWN_SECONDS = 300;

/** What varies by chance between replicas. */
export interface Nature {
  /** Of the garbage collector: from one collection to the next, seconds, and where in it the replica began. */
  readonly period: number;
  readonly phase: number;
}

/** A process of a service in its pod. */
export class Replica {
  readonly service: ShopService;
  readonly pod: Pod;
  /** Index of its machine. */
  readonly node: number;
  readonly #nature: Nature;
  effects: Effects = NO_EFFECTS;
  isUp = true;
  /** True in the step in which it went down: clients still know it. */
  isListed = true;
  /** Requests that wait. */
  backlog = 0;
  /** Requests per second that it could serve at the last step. */
  capacity = Infinity;
  #born: number;
  #killedUntil = -Infinity;
  /** The leak before the process began. */
  #leakBefore = 0;

  /** @param born seconds since the start of the recording; before it: warm */
  constructor(service: ShopService, pod: Pod, node: number, nature: Nature, born: number) {
    this.service = service;
    this.pod = pod;
    this.node = node;
    this.#nature = nature;
    this.#born = born;
  }

  /** Begins a step. @returns true if a new process has just started */
  begin(effects: Effects, time: number): boolean {
    this.effects = effects;
    if (effects.leak === 0) this.#leakBefore = 0;
    if (this.isUp && this.#leakShare(time) > MEMORY_LIMIT) {
      this.#killedUntil = time + RESTART_SECONDS;
      this.#leakBefore = effects.leak;
    }
    const before = this.isUp;
    this.isUp = !effects.down && time >= this.#killedUntil;
    this.isListed = this.isUp || before;
    if (this.isUp && !before) this.#born = time;
    if (!this.isUp) this.backlog = 0;
    return this.isUp && !before;
  }

  /** Processor time relative to a warm process with enough memory. */
  effort(time: number): number {
    const { kind } = this.service;
    const isCompiled = kind === 'database' || kind === 'cache' || kind === 'queue';
    const cold = isCompiled ? 0 : Math.exp(-(time - this.#born) / WARM_SECONDS);
    const pressure = Math.max(0, (this.#leakShare(time) / MEMORY_LIMIT - PRESSED) / (1 - PRESSED));
    return 1 + cold + 2 * pressure ** 2;
  }

  /** Memory relative to what is usual; a garbage collector's saw. @param filled of a cache: the share that is filled */
  memoryShare(time: number, filled?: number): number {
    if (!this.isUp) return 0;
    if (filled !== undefined) return 0.3 + 0.7 * filled + this.#leaked();
    return this.#leakShare(time);
  }

  #leakShare(time: number): number {
    const { kind } = this.service;
    const saw = kind === 'database' || kind === 'queue' ? 0.01 : 0.12;
    const { period, phase } = this.#nature;
    const grown = 1 - 0.4 * Math.exp(-(time - this.#born) / GROWN_SECONDS);
    return grown * (1 - saw / 2 + saw * ((time / period + phase) % 1)) + this.#leaked();
  }

  #leaked(): number {
    return Math.max(0, this.effects.leak - this.#leakBefore);
  }
}
