import { expect, test } from 'vitest';
import { Random } from '../../../../scorer/numeric/random.ts';
import { Draws } from '../topology/draws.ts';
import { drawTopology } from '../topology/draw-topology.ts';
import { drawFaults, FAULT_TYPES } from './draw-faults.ts';
import { effectsAt, networkAt, type Trouble } from './fault.ts';

const HOUR = 3600;

test('every type comes once before any comes again, and its minutes have left the windows before the next one', () => {
  const faults = drawFaults(new Draws(new Random(1)), drawTopology(1), HOUR, 30 * HOUR);
  const events = faults.filter(({ type }) => type !== 'second_of_two');
  const typeOf = (type: string) => (type === 'first_of_two' ? 'two_at_a_time' : type);
  for (let round = 0; (round + 1) * FAULT_TYPES.length <= events.length; round++) {
    const types = events.slice(round * FAULT_TYPES.length, (round + 1) * FAULT_TYPES.length);
    expect(types.map(({ type }) => typeOf(type)).sort()).toEqual([...FAULT_TYPES].sort());
  }
  for (const [index, { from }] of faults.entries()) {
    const before = faults[index - 1];
    if (before === undefined || faults[index]!.type === 'second_of_two') continue;
    expect(from - before.to).toBeGreaterThanOrEqual(20 * 60);
  }
  expect(faults.at(-1)!.to).toBeLessThanOrEqual(30 * HOUR);
});

test('of two at a time, the second begins while the first goes on, elsewhere', () => {
  const faults = drawFaults(new Draws(new Random(2)), drawTopology(2), 0, 40 * HOUR);
  const seconds = [...faults.entries()].filter(([, { type }]) => type === 'second_of_two');
  expect(seconds.length).toBeGreaterThan(0);
  for (const [index, second] of seconds) {
    const first = faults[index - 1]!;
    expect(first.type).toBe('first_of_two');
    expect(second.from).toBeLessThan(first.to);
    expect(second.service).not.toBe(first.service);
  }
});

test('a partial fault acts on its replicas, a slow one grows, one of an edge on its client alone', () => {
  const slow: Trouble = { service: 'cart', harm: 'slow', amount: 0.2, from: 100, to: 200, grows: true };
  expect(effectsAt([slow], 0, 150).slow).toBeCloseTo(0.1);
  expect([effectsAt([slow], 0, 99).slow, effectsAt([slow], 0, 200).slow]).toEqual([0, 0]);
  const bad: Trouble = { ...slow, harm: 'failing', grows: false, replicas: 1 };
  expect([effectsAt([bad], 0, 150).failing, effectsAt([bad], 1, 150).failing]).toEqual([0.2, 0]);
  const edge: Trouble = { ...slow, harm: 'delay', grows: false, client: 'web' };
  expect(networkAt([edge], 'web', 150)).toEqual({ delay: 0.2, loss: 0 });
  expect(networkAt([edge], 'mobile-api', 150)).toEqual({ delay: 0, loss: 0 });
  expect(effectsAt([edge], 0, 150).slow).toBe(0);
});

test('a process that crashes starts again and dies again', () => {
  const down: Trouble = { service: 'cart', harm: 'down', amount: 1, from: 0, to: 600, grows: false };
  expect([0, 60, 119, 121, 149, 151].map((time) => effectsAt([down], 0, time).down)).toEqual([
    true,
    true,
    true,
    false,
    false,
    true,
  ]);
});
