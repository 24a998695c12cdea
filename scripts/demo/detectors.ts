import type { FaultType } from '../../microsim/protocol/fault.ts';
import type { DetectorName } from '../../scorer/detectors/settings.ts';

/** How the demo shows a detector. */
export interface DemoDetector {
  /** `detectors` of scorer.yaml. */
  readonly config: Readonly<Record<string, object>>;
  /** The alert that has to fire. */
  readonly alert: string;
  /** The fault without `--fault`, which the detector is meant to find. */
  readonly fault: FaultType;
  /** Replicas of the broken service, of which one breaks. */
  readonly replicas?: number;
  /** The services send spans to the scorer. */
  readonly traces?: boolean;
  readonly exporterFlags?: readonly string[];
  /** Judges only the service that breaks: the others have a single pod. */
  readonly brokenOnly?: boolean;
}

/** Settings of detectors for learning from 30 steps: shorter windows, and two of them have to be anomalous. */
const SHORT = { window: 8, epochs: 200, tolerance: 2 };
const GRU_VAE = { ...SHORT, tolerance_threshold: 0.99 };

/**
 * Each detector runs alone, so that score, alert and root cause are its own; `agreement` with those that have to agree.
 * A detector that the scorer gets has to be added here, for the compiler.
 */
export const DEMO_DETECTORS: Readonly<Record<DetectorName, DemoDetector>> = {
  autoencoder: { config: { autoencoder: {} }, alert: 'ServiceAnomalous', fault: 'latency' },
  gru_vae: { config: { gru_vae: GRU_VAE }, alert: 'ResponseTimeAnomalous', fault: 'latency' },
  lstm_autoencoder: {
    config: { lstm_autoencoder: { ...SHORT, threshold: 'tail' } },
    alert: 'ContainerMetricsAnomalous',
    fault: 'cpu',
    exporterFlags: ['--collector.syscalls'],
  },
  instance_outlier: {
    // A process warms up no faster than in production: three minutes would be 36 steps, of which 30 are learned from.
    config: { instance_outlier: { warm_up: 10 } },
    alert: 'InstanceDiffers',
    fault: 'latency',
    replicas: 3,
    brokenOnly: true,
  },
  trace_sequence: {
    config: { trace_sequence: { epochs: 10 } },
    alert: 'UnexpectedPath',
    fault: 'skip_call',
    traces: true,
  },
  agreement: {
    config: { autoencoder: {}, gru_vae: GRU_VAE, agreement: { of: ['autoencoder', 'gru_vae'], at_least: 2 } },
    alert: 'ServiceAnomalous',
    fault: 'latency',
  },
};
