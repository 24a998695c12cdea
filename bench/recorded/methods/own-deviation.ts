import type { BaselineDetector } from '../../../scorer/detectors/reconstructor.ts';
import { toUnit } from '../../../scorer/tensor/scaling.ts';

/** No model: expects every value to be at its own median, in its own spreads. */
export const ownDeviation: BaselineDetector = {
  name: 'own_deviation',
  title: 'no model',
  fit: () => Promise.resolve({ reconstruct: (data) => Promise.resolve(new Float32Array(data.length).fill(toUnit(0))) }),
};
