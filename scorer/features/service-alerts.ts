import { DETECTOR, GONE } from '../series.ts';

/** The name of what several detectors agree on: it has scores, but no explanation of its own. */
const AGREEMENT = 'agreement';

/**
 * The alerts of services.alerts.yaml for the scores of another detector. In that file `detector=~"autoencoder|gone"`
 * selects scores, `"detector", "autoencoder"` names their detector, and `detector=~"autoencoder"` selects explanations;
 * an agreement is explained by the detectors that agree.
 */
export function renderServiceAlerts(shipped: string, detector: string): string {
  const explaining = detector === AGREEMENT ? '.+' : detector;
  return shipped
    .replaceAll(`detector=~"${DETECTOR}|${GONE}"`, `detector=~"${detector}|${GONE}"`)
    .replaceAll(`"detector", "${DETECTOR}"`, `"detector", "${detector}"`)
    .replaceAll(`detector=~"${DETECTOR}"`, `detector=~"${explaining}"`);
}
