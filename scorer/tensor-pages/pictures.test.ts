import { describe, expect, it } from 'vitest';
import { until } from '../../test/until.ts';
import { Pictures } from './pictures.ts';
import type { Image } from './png.ts';

const IMAGE: Image = { width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) };
const stays = () => false;

/** Draws pictures when the test says so. */
function bench() {
  let step = 1;
  const begun: string[] = [];
  const finish: ((image: Image | string) => void)[] = [];
  const pictures = new Pictures(() => step);
  const ask = (key: string, hasLeft = stays) =>
    pictures.drawn(
      key,
      () => {
        begun.push(key);
        return new Promise((resolve) => finish.push(resolve));
      },
      hasLeft,
    );
  return {
    begun,
    ask,
    nextStep: () => step++,
    finish: async (image: Image | string = IMAGE) => {
      await until('a picture', () => finish.length > 0);
      finish.shift()?.(image);
    },
  };
}

describe('Pictures', () => {
  it('makes a picture once a step, whoever asks for it and when', async () => {
    const { ask, finish, begun, nextStep } = bench();
    const both = [ask('cart'), ask('cart')];
    await finish();
    const [first, second] = await Promise.all(both);
    expect(second).toBe(first);
    expect(await ask('cart')).toBe(first);
    nextStep();
    const later = ask('cart');
    await finish();
    expect(await later).not.toBe(first);
    expect(begun).toEqual(['cart', 'cart']);
  });

  it('makes two at a time, lets 16 wait and refuses the others', async () => {
    const { ask, finish, begun } = bench();
    const asked = Array.from({ length: 20 }, (_, index) => ask(`service ${index}`));
    expect(await Promise.all(asked.slice(18))).toEqual(['busy', 'busy']);
    await until('two pictures', () => begun.length === 2);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(begun).toHaveLength(2);
    for (let index = 0; index < 18; index++) await finish();
    for (const drawn of await Promise.all(asked.slice(0, 18))) expect(drawn).toHaveProperty('png');
    const again = ask('service 19');
    await finish();
    expect(await again).toHaveProperty('png');
  });

  it('makes none for a client that left while it waited', async () => {
    const { ask, finish, begun } = bench();
    let left = false;
    const first = [ask('a'), ask('b')];
    const waiting = ask('c', () => left);
    left = true;
    await finish();
    await finish();
    await Promise.all(first);
    expect(await waiting).toBe('left');
    expect(begun).toEqual(['a', 'b']);
  });

  it('tries again after a failure, and after a reason for no picture', async () => {
    const { ask, finish, begun } = bench();
    const none = ask('new');
    await finish('not learned yet');
    expect(await none).toEqual({ reason: 'not learned yet' });
    const pictures = new Pictures(() => 1);
    await expect(pictures.drawn('a', () => Promise.reject(new Error('closed')), stays)).rejects.toThrow('closed');
    expect(await pictures.drawn('a', async () => IMAGE, stays)).toHaveProperty('png');
    const some = ask('new');
    await finish();
    expect(await some).toHaveProperty('png');
    expect(begun).toEqual(['new', 'new']);
  });
});
