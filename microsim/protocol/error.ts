/** The simulation can't be started, found or stopped; the message is for the user. */
export class SimError extends Error {
  readonly code = 'SIM';
  override readonly name = 'SimError';
}
