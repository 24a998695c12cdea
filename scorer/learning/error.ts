/** No service has enough history, or no model fits. */
export class NothingToLearnError extends Error {
  readonly code = 'NOTHING_TO_LEARN';
  override readonly name = 'NothingToLearnError';
}
