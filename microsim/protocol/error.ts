/** The simulation cannot be started, found or stopped. The message is for the user. */
export class SimError extends Error {
  readonly code = 'SIM';
  override readonly name = 'SimError';
}

/** This machine cannot produce a fault, as its kernel or its tools lack something. The message says what. */
export class FaultUnavailableError extends Error {
  readonly code = 'FAULT_UNAVAILABLE';
  override readonly name = 'FaultUnavailableError';
}
