/** The simulation cannot be started, found or stopped. The message is for the user. */
export class SimError extends Error {
  readonly code = 'SIM';
  override readonly name = 'SimError';
}
