import type { DetectorPast } from '../../scorer/detectors/detector.ts';
import type { FeatureSet } from '../../scorer/features/features.ts';
import type { Fleet } from '../../scorer/fleet/fleet.ts';
import { instanceName, serviceKey } from '../../scorer/identity/service-key.ts';

export interface PastOfFleet {
  readonly from: number;
  readonly to: number;
  readonly minSteps: number;
  readonly seed: number;
}

/** A history that is in memory already, as a detector learns from it. */
export function pastOfFleet(set: FeatureSet, fleet: Fleet, options: PastOfFleet): DetectorPast {
  const instances = [...fleet.pods.keys(), ...fleet.endpoints.keys()].map((key) => serviceKey(instanceName(key)));
  const services = [...new Set([...fleet.services.keys(), ...instances])].sort();
  return {
    set,
    services,
    groups: async function* () {
      yield fleet;
    },
    ...options,
  };
}
