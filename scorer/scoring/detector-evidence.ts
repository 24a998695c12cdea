import { type DetectorVerdicts, worstByService } from '../detectors/verdicts.ts';
import type { OtherEvidence } from './score-fleet.ts';

/** Evidence saturates at this many thresholds above the first, like that of features. */
const MAX_EVIDENCE = 6;

/**
 * The evidence of detectors against each service, in bits: of each detector the logarithm of the score above its threshold,
 * as that of a feature is the logarithm of its error.
 */
export function evidenceOf(found: readonly DetectorVerdicts[]): OtherEvidence['bits'] {
  const bits = new Map<string, number>();
  for (const { verdicts } of found) {
    for (const [service, { score }] of worstByService(verdicts)) {
      if (score <= 1) continue;
      bits.set(service, (bits.get(service) ?? 0) + Math.log2(1 + Math.min(MAX_EVIDENCE, score - 1)));
    }
  }
  return bits;
}
