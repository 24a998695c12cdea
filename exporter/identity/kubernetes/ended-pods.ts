import { LINGER_MS } from '../local-targets.ts';
import type { LocalPod } from './objects/pod.ts';

/**
 * Pods of this machine that ended a moment ago. A pod may start and end between two scrapes, or even between two updates
 * of the targets; its counts are in the kernel's maps by then.
 */
export class EndedPods {
  readonly #pods = new Map<string, { readonly pod: LocalPod; readonly until: number }>();

  /** `now` is in milliseconds. */
  add(key: string, pod: LocalPod, now: number): void {
    // The same name may have had several pods, as in a StatefulSet.
    this.#pods.set(`${key}\0${pod.cgroup.uid}`, { pod, until: now + LINGER_MS });
  }

  /** Those that ended less than LINGER_MS ago, the last one first. */
  current(now: number): readonly LocalPod[] {
    for (const [key, { until }] of this.#pods) if (until <= now) this.#pods.delete(key);
    return Array.from(this.#pods.values(), ({ pod }) => pod).toReversed();
  }
}
