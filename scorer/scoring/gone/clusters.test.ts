import { describe, expect, it } from 'vitest';
import { key, PlayedFleet } from './fleet.testdata.ts';

const inCluster = (cluster: string, services: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(services).map(([service, score]) => [`${service}.shop.${cluster}`, score]));

const CALM = { front: 0.2, cart: 0.2, db: 0.2, mail: 0.2 };
const { cart: _, ...WITHOUT_CART } = CALM;
const B = inCluster('b', CALM);

describe('of two clusters with the same services', () => {
  it('one is gone where it died, with its cluster, and the other is not', () => {
    const played = new PlayedFleet();
    played.playSteps(5, { ...inCluster('a', { ...CALM, cart: 3 }), ...B });
    expect(played.playSteps(20, { ...inCluster('a', WITHOUT_CART), ...B })).toEqual([key('cart', 'shop', 'a')]);
    expect(played.playSteps(2, { ...inCluster('a', CALM), ...B })).toEqual([]);
  });

  it('one may lose a namespace that the other still has', () => {
    const played = new PlayedFleet();
    const rest = { 'ads.rest.a': 0.2, 'search.rest.a': 0.2, 'user.rest.a': 0.2, 'pay.rest.a': 0.2, 'tax.rest.a': 0.2 };
    played.playSteps(10, { ...inCluster('a', CALM), ...rest, ...B });
    // It turns anomalous because the others are being removed.
    played.playSteps(4, { ...inCluster('a', { cart: 5 }), ...rest, ...B });
    expect(played.playSteps(5, { ...rest, ...B })).toEqual([]);
  });

  it('one may lack most of its values, and nothing has ended', () => {
    const played = new PlayedFleet();
    const sick = { ...inCluster('a', { ...CALM, cart: 3 }), ...B };
    played.playSteps(5, sick);
    expect(played.playSteps(30, B)).toEqual([]);
    expect(played.playSteps(3, sick)).toEqual([]);
    expect(played.playSteps(5, { ...inCluster('a', { front: 0.2 }), ...B })).toEqual([]);
    expect(played.playSteps(3, sick)).toEqual([]);
    // It was there all the time, so its end is an event; meanwhile the other one fails.
    expect(played.play(inCluster('a', WITHOUT_CART))).toEqual([key('cart', 'shop', 'a')]);
    expect(played.playSteps(3, { ...inCluster('a', WITHOUT_CART), ...B })).toEqual([key('cart', 'shop', 'a')]);
  });
});
