import type { Random } from '../../../scorer/numeric/random.ts';
import { below, pick } from './choice.ts';

type Container = Record<string, unknown> | unknown[];

interface Place {
  readonly container: Container;
  readonly key: string;
}

const VALUES: readonly (() => unknown)[] = [
  () => null,
  () => true,
  () => 0,
  () => -1,
  () => 0.5,
  () => 2 ** 53,
  () => '',
  () => ' ',
  () => 'x'.repeat(3000),
  () => '\u001b[2J\u202e\n',
  () => [],
  () => ({}),
  () => [[[[]]]],
  () => ({ a: { b: { c: null } } }),
  () => Array.from({ length: 2000 }, (_, at) => at),
  () => Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`key_${at}`, at])),
  () => JSON.parse(`${'['.repeat(90)}${']'.repeat(90)}`) as unknown,
  () => JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}') as unknown,
];
const KEYS = ['', ' ', '0', '__proto__', 'constructor', 'a.b', 'a: b', '\u001b', 'k'.repeat(500), 'url', 'password'];

const CHANGES: readonly ((place: Place, other: Place, random: Random) => void)[] = [
  (place, _other, random) => put(place, pick(random, VALUES)()),
  (place) => remove(place),
  (place, other) => put(place, structuredClone(get(other))),
  (place) => put(place, [get(place)]),
  (place) => put(place, { inner: get(place) }),
  (place) =>
    put(
      place,
      Array.from({ length: 50 }, () => structuredClone(get(place))),
    ),
  (place) => put(place, JSON.stringify(get(place)) ?? ''),
  ({ container, key }, _other, random) => {
    const value = get({ container, key });
    remove({ container, key });
    put({ container, key: pick(random, KEYS) }, value);
  },
  (place, other) => {
    const [one, two] = [get(place), get(other)];
    put(place, structuredClone(two));
    put(other, structuredClone(one));
  },
];

/** Changes a tree in one place: a value, a key, a section where another is expected. Changes `value` itself. */
export function mutateStructure(value: unknown, random: Random): void {
  const places = placesOf(value);
  if (places.length === 0) return;
  pick(random, CHANGES)(places[below(random, places.length)]!, places[below(random, places.length)]!, random);
}

function placesOf(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const container = value as Container;
  return Object.keys(container).flatMap((key) => [{ container, key }, ...placesOf(get({ container, key }))]);
}

function get({ container, key }: Place): unknown {
  return (container as Record<string, unknown>)[key];
}

function put({ container, key }: Place, value: unknown): void {
  // By this, `__proto__` is a key like others.
  const at = Array.isArray(container) && !/^\d+$/.test(key) ? String(container.length) : key;
  Object.defineProperty(container, at, { value, enumerable: true, configurable: true, writable: true });
}

function remove({ container, key }: Place): void {
  if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
}
