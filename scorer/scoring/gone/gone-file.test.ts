import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { key, LIMITS, PlayedFleet } from './fleet.testdata.ts';
import { loadGone, saveGone } from './gone-file.ts';
import { GoneServices } from './gone-services.ts';

const CALM = { front: 0.2, cart: 0.2, db: 0.2, mail: 0.2, ads: 0.2 };
const folder = mkdtempSync(join(tmpdir(), 'lorikeet-gone-'));
const path = join(folder, 'gone.json');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The same fleet with a new scorer, which has loaded what the former one saved. */
async function restart(played: PlayedFleet): Promise<PlayedFleet> {
  await saveGone(path, played.gone, 1000);
  const gone = new GoneServices(LIMITS);
  expect(loadGone(path, gone, 1000)).toBeUndefined();
  return new PlayedFleet(gone, played.step);
}

test('what is gone, what is missed and what is anomalous survives a restart', async () => {
  const { cart: _, ...withoutCart } = CALM;
  const { db: __, ...rest } = withoutCart;
  const played = new PlayedFleet();
  played.playSteps(4, { ...CALM, cart: 2, db: 3 });
  played.playSteps(2, { ...withoutCart, db: 3 });
  const going = await restart(played);
  expect(going.gone.current).toEqual(played.gone.current);
  expect(going.names).toEqual([key('cart')]);
  // The first step after a restart fetches the history, in which the service still was.
  going.play({ ...withoutCart, db: 3 });
  expect(going.play(rest)).toEqual([key('db'), key('cart')]);
});

test('a service with too few values to be scored stays gone over a restart, until it has a score again', async () => {
  const played = new PlayedFleet();
  played.playSteps(4, { ...CALM, cart: 2 });
  expect(played.play({ ...CALM, cart: NaN })).toEqual([key('cart')]);
  const going = await restart(played);
  expect(going.playSteps(2, { ...CALM, cart: NaN })).toEqual([key('cart')]);
  expect(going.playSteps(2, CALM)).toEqual([]);
});

test('a file that is damaged, of another interval or missing is not used', async () => {
  await saveGone(path, new PlayedFleet().gone, 1000);
  const load = () => loadGone(path, new GoneServices(LIMITS), 60_000);
  expect(load()).toContain('of another interval');
  writeFileSync(path, '{"format": 1');
  expect(load()).toContain('not a file of this version');
  rmSync(path);
  expect(load()).toBeUndefined();
});
