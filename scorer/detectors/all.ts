import type { DetectorDescriptor } from './detector.ts';
import { gruVae } from './gru-vae/descriptor.ts';
import { instanceOutlier } from './instance-outlier/descriptor.ts';
import { lstmAutoencoder } from './lstm-autoencoder/descriptor.ts';
import type { DetectorSettings } from './settings.ts';
import { traceSequence } from './trace-sequence/descriptor.ts';

/** A detector as configured. */
export interface ConfiguredDetector {
  readonly descriptor: DetectorDescriptor<unknown>;
  readonly settings: unknown;
}

/** The detectors beside the fleet's autoencoder that a configuration names, in the order of their scores' series. */
export function configuredDetectors(settings: DetectorSettings): ConfiguredDetector[] {
  return [
    configured(gruVae, settings.gru_vae),
    configured(lstmAutoencoder, settings.lstm_autoencoder),
    configured(instanceOutlier, settings.instance_outlier),
    configured(traceSequence, settings.trace_sequence),
  ].flat();
}

function configured<S>(descriptor: DetectorDescriptor<S>, settings: S | undefined): ConfiguredDetector[] {
  return settings === undefined ? [] : [{ descriptor, settings }];
}
