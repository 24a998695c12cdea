import { type DetectorVerdicts, worstByService } from '../detectors/verdicts.ts';
import { bitsOf } from './errors.ts';
import type { OtherEvidence } from './score-fleet.ts';

/**
 * The evidence of detectors against each service, in bits: of each detector the logarithm of the score above its threshold,
 * as that of a feature is the logarithm of its error.
 */
export function evidenceOf(found: readonly DetectorVerdicts[]): OtherEvidence['bits'] {
  const bits = new Map<string, number>();
  for (const { verdicts } of found) {
    for (const [service, { score }] of worstByService(verdicts)) {
      if (score <= 1) continue;
      bits.set(service, (bits.get(service) ?? 0) + bitsOf(score - 1));
    }
  }
  return bits;
}
