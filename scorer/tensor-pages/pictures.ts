import { setImmediate } from 'node:timers/promises';
import { encodePng, type Image } from './png.ts';

/** Pictures that are made at a time. */
const PLACES = 2;
/** Pictures that wait for a place: a browser asks for several of a page at a time. */
const WAITING = 16;
/** Pictures kept until the next step, 50 KB each: more than the page shows. */
const KEPT = 64;

/** `busy`: too many pictures are being made. `left`: nobody waits for it any more. */
export type Drawn = { readonly png: Buffer } | { readonly reason: string } | 'busy' | 'left';

/** The pictures of the current step as PNG: each made once, a few at a time, and none for clients that have left. */
export class Pictures {
  readonly #step: () => number;
  /** By key. */
  readonly #made = new Map<string, Promise<Drawn>>();
  readonly #waiting: (() => void)[] = [];
  #madeAt = NaN;
  #taken = 0;

  /** @param step the current step; its pictures differ from those of another one */
  constructor(step: () => number) {
    this.#step = step;
  }

  /**
   * The picture `key`, by `draw` unless it is known.
   *
   * @param draw returns the reason if there is no picture
   * @param hasLeft true once the client no longer waits
   */
  async drawn(key: string, draw: () => Promise<Image | string>, hasLeft: () => boolean): Promise<Drawn> {
    const known = this.#known(key);
    if (known !== undefined) return known;
    if (this.#taken < PLACES) this.#taken++;
    else if (this.#waiting.length < WAITING) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else return 'busy';
    try {
      if (hasLeft()) return 'left';
      // Another request may have made it meanwhile.
      return await (this.#known(key) ?? this.#make(key, draw));
    } finally {
      // The place is passed on.
      const next = this.#waiting.shift();
      if (next === undefined) this.#taken--;
      else next();
    }
  }

  #known(key: string): Promise<Drawn> | undefined {
    const step = this.#step();
    if (step !== this.#madeAt) this.#made.clear();
    this.#madeAt = step;
    return this.#made.get(key);
  }

  async #make(key: string, draw: () => Promise<Image | string>): Promise<Drawn> {
    const picture = drawAndEncode(draw);
    this.#made.set(key, picture);
    for (const oldest of this.#made.keys()) {
      if (this.#made.size <= KEPT) break;
      this.#made.delete(oldest);
    }
    let isPicture = false;
    try {
      const drawn = await picture;
      isPicture = typeof drawn === 'object' && 'png' in drawn;
      return drawn;
    } finally {
      // What went wrong may go well next time.
      if (!isPicture && this.#made.get(key) === picture) this.#made.delete(key);
    }
  }
}

async function drawAndEncode(draw: () => Promise<Image | string>): Promise<Drawn> {
  // The network blocks the event loop for a moment: others have their turn between two pictures.
  await setImmediate();
  const image = await draw();
  return typeof image === 'string' ? { reason: image } : { png: await encodePng(image) };
}
