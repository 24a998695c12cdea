import { describe, expect, it } from 'vitest';
import { key, LIMITS, PlayedFleet } from './fleet.testdata.ts';
import { GoneServices } from './gone-services.ts';

const CALM = { front: 0.2, cart: 0.2, db: 0.2, mail: 0.2, ads: 0.2 };
const { db: _, ...WITHOUT_DB } = CALM;
const SICK = { ...CALM, db: 2.5 };

describe('a service that was anomalous', () => {
  it('stays in the incident from the step on at which it vanishes, with its score, until it is back', () => {
    const played = new PlayedFleet();
    played.playSteps(5, CALM);
    expect(played.playSteps(3, SICK)).toEqual([]);
    expect(played.play(WITHOUT_DB)).toEqual([key('db')]);
    expect(played.gone.current[0]).toMatchObject({ since: played.step, score: 2.5 });
    expect(played.playSteps(30, WITHOUT_DB)).toEqual([key('db')]);
    expect(played.gone.current[0]).toMatchObject({ since: played.step - 30, score: 2.5 });
    expect(played.gone.current[0]!.bits).toBeGreaterThan(8);
    // Its first step back has no score yet at the time of the decision.
    expect(played.playSteps(2, CALM)).toEqual([]);
  });

  it('keeps its score where the last step was measured while it ended', () => {
    const played = new PlayedFleet();
    played.playSteps(3, { ...CALM, db: 4 });
    played.play({ ...CALM, db: 1.2 });
    played.play(WITHOUT_DB);
    expect(played.gone.current).toMatchObject([{ key: key('db'), score: 4 }]);
  });

  it('is gone too when it has too few values to be scored', () => {
    const played = new PlayedFleet();
    played.playSteps(3, SICK);
    expect(played.play({ ...SICK, db: NaN })).toEqual([key('db')]);
    expect(played.playSteps(10, { ...SICK, db: NaN })).toEqual([key('db')]);
    expect(played.gone.current[0]).toMatchObject({ since: played.step - 10 });
    expect(played.playSteps(2, CALM)).toEqual([]);
  });

  it('is an incident only if the anomaly had lasted for as long as an alert takes before its values became odd', () => {
    const after = (steps: number, settleSteps: number) => {
      const played = new PlayedFleet(new GoneServices({ ...LIMITS, settleSteps }));
      played.playSteps(5, CALM);
      played.playSteps(steps, SICK);
      return played.playSteps(5, WITHOUT_DB);
    };
    expect(after(2, 1)).toEqual([]);
    expect(after(3, 1)).toEqual([key('db')]);
    expect(after(5, 4)).toEqual([]);
    expect(after(6, 4)).toEqual([key('db')]);
  });

  it('is one although its last values were normal for as long as the shortest window', () => {
    const after = (steps: number) => {
      const played = new PlayedFleet(new GoneServices({ ...LIMITS, settleSteps: 4 }));
      played.playSteps(10, SICK);
      played.playSteps(steps, CALM);
      return played.playSteps(5, WITHOUT_DB);
    };
    expect(after(4)).toEqual([key('db')]);
    expect(after(5)).toEqual([]);
  });

  it('is none once it is removed on purpose, and does not become one again while it is missing', () => {
    const played = new PlayedFleet();
    played.playSteps(3, SICK);
    expect(played.play(WITHOUT_DB)).toEqual([key('db')]);
    expect(played.play(WITHOUT_DB, { removed: ['db'] })).toEqual([]);
    expect(played.playSteps(20, WITHOUT_DB)).toEqual([]);
  });

  it('is none while its exporter is not scraped, and is one once that is back without it', () => {
    const played = new PlayedFleet();
    played.playSteps(3, SICK);
    expect(played.playSteps(5, WITHOUT_DB, { excused: ['db'] })).toEqual([]);
    expect(played.play(WITHOUT_DB)).toEqual([key('db')]);
  });

  it('leaves the incident after the time for which gone services are kept', () => {
    const played = new PlayedFleet();
    played.playSteps(3, SICK);
    expect(played.playSteps(60, WITHOUT_DB)).toEqual([key('db')]);
    expect(played.playSteps(1, WITHOUT_DB)).toEqual([]);
    expect(played.playSteps(100, WITHOUT_DB)).toEqual([]);
  });
});

describe('a service that was healthy', () => {
  it('is no incident if nobody misses it', () => {
    const played = new PlayedFleet();
    played.playSteps(20, CALM, { calls: { 'cart>db': 0 } });
    expect(played.playSteps(80, WITHOUT_DB, { calls: { 'cart>db': 0 } })).toEqual([]);
  });

  it('is one as soon as calls to it fail, also long after it vanished', () => {
    for (const noticed of [1, 3, 25]) {
      const played = new PlayedFleet();
      played.playSteps(20, CALM, { calls: { 'cart>db': 0 } });
      played.playSteps(noticed, WITHOUT_DB, { calls: { 'cart>db': 0 } });
      const since = played.step - noticed + 1;
      expect(played.playSteps(2, WITHOUT_DB, { calls: { 'cart>db': 3 } })).toEqual([key('db')]);
      expect(played.gone.current[0]).toMatchObject({ since });
      expect(played.gone.current[0]!.score).toBeGreaterThan(3);
      // Callers that have given up on it don't end the incident.
      expect(played.playSteps(10, WITHOUT_DB, { calls: { 'cart>db': 0 } })).toEqual([key('db')]);
    }
  });

  it('is one too while it is being learned', () => {
    const played = new PlayedFleet();
    played.playSteps(20, { ...CALM, db: NaN }, { calls: { 'cart>db': 0 } });
    expect(played.playSteps(3, WITHOUT_DB, { calls: { 'cart>db': 3 } })).toEqual([key('db')]);
  });

  it('is none if calls to it failed as much before, or if its only caller ended with it', () => {
    const before = new PlayedFleet();
    before.playSteps(20, CALM, { calls: { 'cart>db': 3 } });
    expect(before.playSteps(10, WITHOUT_DB, { calls: { 'cart>db': 3 } })).toEqual([]);
    const both = new PlayedFleet();
    both.playSteps(20, CALM, { calls: { 'cart>db': 0 } });
    const { cart: __, ...rest } = WITHOUT_DB;
    both.play(WITHOUT_DB, { calls: { 'cart>db': 3 } });
    expect(both.playSteps(10, rest)).toEqual([]);
  });

  it('is one although its exporter is not scraped, if its callers miss it', () => {
    const played = new PlayedFleet();
    played.playSteps(20, CALM, { calls: { 'cart>db': 0 } });
    const evidence = { calls: { 'cart>db': 3 }, excused: ['db'] };
    expect(played.playSteps(3, WITHOUT_DB, evidence)).toEqual([key('db')]);
  });

  it('may vanish again, even anomalous, once it vanished and came back twice without harm', () => {
    const played = new PlayedFleet();
    played.playSteps(5, CALM);
    const comeAndGo = () => {
      played.playSteps(10, WITHOUT_DB);
      played.playSteps(5, CALM);
    };
    comeAndGo();
    played.playSteps(5, SICK);
    expect(played.playSteps(5, WITHOUT_DB)).toEqual([key('db')]);
    played.playSteps(5, CALM);
    comeAndGo();
    played.playSteps(5, SICK);
    expect(played.playSteps(5, WITHOUT_DB)).toEqual([]);
    const missed = { calls: { 'cart>db': 3 } };
    expect(played.playSteps(3, WITHOUT_DB, missed)).toEqual([key('db')]);
  });
});

describe('many services at once', () => {
  const lab = Object.fromEntries(Array.from({ length: 50 }, (__, index) => [`job${index}.lab`, 0.2]));
  const rest = Object.fromEntries(Array.from({ length: 60 }, (__, index) => [`web${index}.web`, 0.2]));

  it('of a namespace that is removed are no incident, although the last ones missed the first ones', () => {
    const played = new PlayedFleet();
    played.playSteps(5, { ...rest, ...lab });
    const names = Object.keys(lab);
    for (const left of [40, 20, 0]) {
      const living = names.slice(names.length - left).map((name) => [name, 5]);
      played.play({ ...rest, ...Object.fromEntries(living) });
    }
    expect(played.playSteps(5, rest)).toEqual([]);
  });

  it('of a namespace are an incident for one that others miss, also after they have given up', () => {
    const played = new PlayedFleet();
    const shop = { front: 0.2, cart: 0.2, db: 0.2 };
    played.playSteps(20, { ...rest, ...shop }, { calls: { 'outside>db': 0 } });
    expect(played.playSteps(3, rest, { calls: { 'outside>db': 3 } })).toEqual([key('db')]);
    expect(played.playSteps(20, rest, { calls: { 'outside>db': 0 } })).toEqual([key('db')]);
  });

  it('are an incident for one of them that was anomalous before', () => {
    const played = new PlayedFleet();
    played.playSteps(20, { ...rest, ...lab, 'job7.lab': 3 });
    expect(played.playSteps(3, rest)).toEqual([key('job7', 'lab')]);
  });

  it('that the store lacks have not ended: neither all of them, nor most of them, nor their anomalous ones', () => {
    const played = new PlayedFleet();
    played.playSteps(5, SICK);
    expect(played.playSteps(30, {})).toEqual([]);
    expect(played.playSteps(3, SICK)).toEqual([]);
    expect(played.playSteps(8, { front: 0.2 })).toEqual([]);
    expect(played.playSteps(3, SICK)).toEqual([]);
    // It was there all the time, so its end is an event.
    expect(played.play(WITHOUT_DB)).toEqual([key('db')]);
    // And is no longer one of a store that lacks all.
    expect(played.playSteps(5, {})).toEqual([key('db')]);
  });

  it('are reported up to a limit, those with the highest scores', () => {
    const played = new PlayedFleet();
    const five = Object.fromEntries(Array.from({ length: 5 }, (__, index) => [`api${index}`, 2 + index]));
    played.playSteps(5, { ...rest, ...five });
    expect(played.playSteps(2, rest)).toEqual(['api4', 'api3', 'api2'].map((name) => key(name)));
  });
});

it('forgets everything after the clock was set back', () => {
  const gone = new GoneServices(LIMITS);
  const played = new PlayedFleet(gone);
  played.playSteps(3, SICK);
  played.play(WITHOUT_DB);
  expect(new PlayedFleet(gone, 50).playSteps(3, CALM)).toEqual([]);
});
