import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import { exposedCollection } from '../../daemon/memory/garbage.ts';
import { createLogger } from '../../daemon/logger.ts';
import { ExporterMemory } from './exporter-memory.ts';

const collectGarbage = exposedCollection();

let memory: ExporterMemory;
beforeEach(() => {
  memory = new ExporterMemory(createLogger());
  memory.release();
});

const onHeap = (bytes: number): object => Array.from({ length: bytes / 8 }, (_, index) => index);
const outsideHeap = (bytes: number): object => new ArrayBuffer(bytes);

/** Leaves an old, unreachable object of `bytes`. */
async function leaveGarbage(bytes: number, make = onHeap): Promise<WeakRef<object>> {
  let object: object | undefined = make(bytes);
  // Objects that survive two collections are old.
  collectGarbage();
  collectGarbage();
  const garbage = new WeakRef(object);
  object = undefined;
  // A new reference keeps its object alive until the end of the current job.
  await nextTurn();
  return garbage;
}

it.each([
  ['objects', onHeap],
  ['what buffers hold outside the heap', outsideHeap],
])('collects once there are megabytes of garbage, and not before: %s', async (_, make) => {
  const little = await leaveGarbage(500_000, make);
  memory.tidy();
  expect(little.deref()).toBeDefined();
  await nextTurn();
  const much = await leaveGarbage(3_000_000, make);
  memory.tidy();
  expect(much.deref()).toBeUndefined();
});

it('counts from the size after a collection, including those by V8 itself', async () => {
  let kept: object | undefined = Array.from({ length: 1_000_000 }, (_, index) => index);
  memory.release();
  expect(kept).toHaveLength(1_000_000);
  kept = undefined;
  await nextTurn();
  collectGarbage();
  memory.tidy();
  // Below what the first collection left, above what the second did.
  const garbage = await leaveGarbage(3_000_000);
  memory.tidy();
  expect(garbage.deref()).toBeUndefined();
});

it('collects a hundred scrapes later in any case', async () => {
  const little = await leaveGarbage(500_000);
  for (let scrape = 0; scrape < 99; scrape++) memory.tidy();
  expect(little.deref()).toBeDefined();
  await nextTurn();
  memory.tidy();
  expect(little.deref()).toBeUndefined();
});
