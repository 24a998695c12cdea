import { renderLabels } from '../../daemon/labels.ts';
import { cutAndCount, escapeInvisible } from '../../daemon/text/visible.ts';
import { type Rejected, type Rejection, REJECTIONS } from '../fleet/rejected-series.ts';

/** Characters of the labels of an example. */
const MAX_EXAMPLE = 1000;

/** Collects the kinds of series that a command couldn't use, to say so once at its end. */
export class RejectionNotes {
  readonly #found = new Map<Rejection, Rejected>();

  readonly onRejected = (reason: Rejection, rejected: Rejected): void => {
    if (!this.#found.has(reason)) this.#found.set(reason, rejected);
  };

  /** A line for each kind; empty without any. */
  toString(): string {
    return [...this.#found.values()]
      .map(({ reason, example }) => {
        const one = cutAndCount(escapeInvisible(renderLabels(example)), MAX_EXAMPLE);
        return `${reason}: ${REJECTIONS[reason]}; one is {${one}}\n`;
      })
      .join('');
  }
}
