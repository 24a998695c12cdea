import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFeatures } from '../../features/features.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { serviceKey, serviceName } from '../../identity/service-key.ts';
import type { Trace } from '../../traces/span.ts';
import type { DetectorPast, Verdict } from '../detector.ts';
import { NothingToLearnError } from '../error.ts';
import { traceSequence } from './descriptor.ts';
import { EventReader } from './events/events.ts';
import { eventsOf } from './model.ts';
import { traceSequenceSettings } from './settings.ts';
import { TraceSample } from './sample/trace-sample.ts';
import type { TraceSequence } from './trace-sequence.ts';
import { type CallFault, TraceGenerator } from './events/traces.testdata.ts';

const MINUTE = 60_000;
const PER_STEP = 100;
const set = parseFeatures(
  'features.yaml',
  `{ windows: [1m, 5m, 15m], features: [{ name: up, expr: 'up[$window]', scale: ratio }] }`,
);
const settings = traceSequenceSettings({ epochs: 15 });

async function* none(): AsyncGenerator<Fleet> {}

/** A past of so many steps of the shop's traces. */
function past(seed: number, steps: number): DetectorPast {
  const options = { events: eventsOf(settings), historyMs: 60 * MINUTE, intervalMs: MINUTE, maxTraces: 5000 };
  const sample = new TraceSample(new EventReader(settings.order), { ...options, maxBytes: 1e7, seed });
  const generator = new TraceGenerator(seed);
  for (let step = 0; step < steps; step++) {
    for (const trace of generator.traces(PER_STEP, step * MINUTE)) sample.add(trace, (step + 1) * MINUTE);
  }
  return { set, from: 0, to: 60, minSteps: 10, services: [], groups: none, seed, traces: sample };
}

describe('trace_sequence', () => {
  let detector: TraceSequence;
  let learned: Uint8Array;
  let step = 0;
  beforeAll(async () => {
    learned = await traceSequence.learn(past(1, 20), settings);
    detector = (await traceSequence.open(learned, settings, set)) as TraceSequence;
  }, 120_000);
  afterAll(() => detector.close());

  const score = (traces: readonly Trace[]): Promise<readonly Verdict[]> =>
    detector.score({ set, fleet: new Fleet(set, MINUTE, 10), traces }, ++step);
  const above = (verdicts: readonly Verdict[]) =>
    verdicts
      .filter((verdict) => verdict.score > 1)
      .map(({ key, shares }) => `${serviceName(key).service} ${shares[0]?.feature}`)
      .sort();

  it.each<[string, CallFault, string[]]>([
    ['the last call is left out', { type: 'skip', service: 'front', callee: 'shipping' }, ['front missing_call']],
    ['a parallel call is left out', { type: 'skip', service: 'front', callee: 'news' }, ['front missing_call']],
    ['a deep call is', { type: 'skip', service: 'cart', callee: 'stock' }, ['cart missing_call']],
    ['only sometimes', { type: 'skip', service: 'cart', callee: 'stock', share: 0.3 }, ['cart missing_call']],
    ['a call is made three times', { type: 'double', service: 'front', callee: 'currency' }, ['front extra_call']],
    ['calls change their order', { type: 'reorder', service: 'front' }, ['front order']],
    ['a service is called that never was', { type: 'new', service: 'payment', callee: 'ads' }, ['payment new_path']],
    ['requests fail', { type: 'fail', service: 'stock', share: 0.3 }, ['stock failure']],
    ['all of them', { type: 'fail', service: 'stock' }, ['stock failure']],
    [
      'a failure is swallowed',
      { type: 'swallow', service: 'cart', callee: 'stock' },
      ['cart swallowed_failure', 'stock failure'],
    ],
    ['a service sends nothing any more', { type: 'crash', service: 'payment' }, ['payment failure']],
    ['a service is slow', { type: 'slow', service: 'recommend' }, ['recommend duration']],
    ['its network is', { type: 'slow_way', service: 'catalog' }, ['catalog duration']],
  ])('%s', async (_, fault, expected) => {
    expect(above(await score(new TraceGenerator(99).traces(PER_STEP, 1e9, fault)))).toEqual(expected);
  });

  it.each([11, 12, 13])('is quiet without a fault, seed %s', async (seed) => {
    const generator = new TraceGenerator(seed);
    for (let minute = 0; minute < 15; minute++) {
      expect(above(await score(generator.traces(PER_STEP, 1e9 + minute * MINUTE)))).toEqual([]);
    }
  });

  it('finds one odd trace in a thousand, or two of a few, no anomaly', async () => {
    const generator = new TraceGenerator(7);
    const odd = { type: 'skip', service: 'front', callee: 'news' } as const;
    expect(above(await score([...generator.traces(1000, 1e9), generator.trace(1e9, odd)]))).toEqual([]);
    expect(above(await score(generator.traces(2, 1e9, odd)))).toEqual([]);
  });

  it('judges no service without traces', async () => {
    expect(await score([])).toEqual([]);
    const [trace] = new TraceGenerator(1).traces(1, 1e9);
    const services = new Set(trace!.spans.map(({ service }) => serviceKey(service)));
    expect(new Set((await score([trace!])).map(({ key }) => key))).toEqual(services);
  });

  it('explains by the unexpected event and what was expected', async () => {
    await score(new TraceGenerator(99).traces(PER_STEP, 1e9, { type: 'skip', service: 'front', callee: 'shipping' }));
    const [first, ...others] = detector.explain(step).filter(({ kind }) => kind === 'missing_call');
    expect(first).toMatchObject({
      service: serviceKey({ namespace: 'shop', service: 'front' }),
      event: 'end',
      expected: 'shop/front>shop/shipping POST /ship',
    });
    expect(first!.share).toBeGreaterThan(0.15);
    expect(others).toEqual([]);
    expect(detector.explain(step - 1)).toEqual([]);
  });

  it('counts the traces that it does not read', async () => {
    const before = { ...detector.unread };
    const [whole] = new TraceGenerator(1).traces(1, 1e9);
    await score([{ ...whole!, complete: false }, ...new TraceGenerator(2).traces(2100, 1e9)]);
    expect(detector.unread.surplus - before.surplus).toBe(101);
    expect(detector.unread.incomplete - before.incomplete).toBe(1);
  });

  it('learns the same twice', async () => {
    const short = traceSequenceSettings({ epochs: 2 });
    const files = [past(1, 4), past(1, 4)].map((of) => traceSequence.learn(of, short));
    const [first, second] = await Promise.all(files);
    expect(Buffer.from(first!).equals(second!)).toBe(true);
  });

  it('needs traces', async () => {
    await expect(traceSequence.learn(past(1, 0), settings)).rejects.toThrow(NothingToLearnError);
    const { traces: _, ...without } = past(1, 0);
    await expect(traceSequence.learn(without, settings)).rejects.toThrow('0 traces, expected 40 or more');
  });

  it('refuses what was learned of other events', async () => {
    const other = traceSequenceSettings({ order: 'start' });
    await expect(traceSequence.open(learned, other, set)).rejects.toThrow('other order or patterns');
    const damaged = Uint8Array.from(learned).fill(32, 1000, 1010);
    await expect(traceSequence.open(damaged, settings, set)).rejects.toThrow();
  });
});
