import { edgeEnds, instanceName, serviceKey } from '../identity/service-key.ts';
import type { Verdict } from './detector.ts';

/** One detector's verdicts at a step. */
export interface DetectorVerdicts {
  readonly detector: string;
  readonly verdicts: readonly Verdict[];
}

/** The service that a verdict is about: of an edge the callee, which its callers wait for. */
export function serviceOf({ kind, key }: Pick<Verdict, 'kind' | 'key'>): string {
  if (kind === 'service') return key;
  return kind === 'edge' ? serviceKey(edgeEnds(key).server) : serviceKey(instanceName(key));
}

/** The highest verdict on each service, be it on the service itself, an edge into it, a pod or an endpoint of it. */
export function worstByService(verdicts: Iterable<Verdict>): Map<string, Verdict> {
  const worst = new Map<string, Verdict>();
  for (const verdict of verdicts) {
    const service = serviceOf(verdict);
    if (verdict.score > (worst.get(service)?.score ?? -Infinity)) worst.set(service, verdict);
  }
  return worst;
}

/**
 * What several detectors agree on: of each service the score that at least `atLeast` of them reach. Only services that so
 * many of them judge have one.
 *
 * @param scores by detector, by service
 */
export function agreement(scores: readonly ReadonlyMap<string, number>[], atLeast: number): Map<string, number> {
  const services = new Set(scores.flatMap((of) => [...of.keys()]));
  const agreed = new Map<string, number>();
  for (const service of services) {
    const sorted = scores.flatMap((of) => of.get(service) ?? []).sort((a, b) => b - a);
    const score = sorted[atLeast - 1];
    if (score !== undefined) agreed.set(service, score);
  }
  return agreed;
}
