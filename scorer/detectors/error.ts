/** There is nothing to learn from, or no model to learn with. */
export class NothingToLearnError extends Error {
  readonly code = 'NOTHING_TO_LEARN';
  override readonly name = 'NothingToLearnError';
}
