import { writeAtomically } from '../../../../daemon/files/atomic-write.ts';
import { FileError, readStateFile } from '../../../../daemon/files/read-file.ts';
import { Random } from '../../../numeric/random.ts';
import type { Trace } from '../../../traces/span.ts';
import type { TraceHistory } from '../../detector.ts';
import type { EventSpan } from '../events/call-tree.ts';
import type { EventReader, EventSequence, Representative } from '../events/events.ts';
import { decodeSample, encodeSample, readTrace, type StoredTrace, storeTrace } from './sample-file.ts';
import type { WeightedSequence } from '../prediction/vocabulary.ts';

export interface TraceSampleOptions {
  /** Settings that made the events, by `eventsOf`: a file of others isn't read. */
  readonly events: string;
  /** Older traces are forgotten. Milliseconds. */
  readonly historyMs: number;
  /** Of a step, in milliseconds. */
  readonly intervalMs: number;
  readonly maxTraces: number;
  readonly maxBytes: number;
  readonly seed: number;
}

/** The traces of one root operation in one stretch of time. */
interface Group {
  seen: number;
  bytes: number;
  readonly traces: StoredTrace[];
}

/** A stretch of time. */
interface Stretch {
  traces: number;
  bytes: number;
  /** By the key of the root's representative. */
  readonly groups: Map<string, Group>;
}

/** Stretches of the history; each has an equal part of the sample, and the oldest is forgotten as a whole. */
const STRETCHES = 24;
/** Different representatives of all traces in the sample; a trace with more isn't taken. */
const MAX_REPRESENTATIVES = 20_000;
const TRACE_BYTES = 600;
const EVENT_BYTES = 16;

/**
 * A bounded sample of the traces of the last `historyMs`, evenly from all of that time. A root operation that is rare keeps all
 * of its traces as long as another has more; where there are as many of each as fit, each trace is as likely to stay.
 */
export class TraceSample implements TraceHistory {
  readonly #reader: EventReader;
  readonly #options: TraceSampleOptions;
  readonly #random: Random;
  /** By the start of the stretch in milliseconds, oldest first. */
  readonly #stretches = new Map<number, Stretch>();
  #representatives: Representative[] = [];
  readonly #indices = new Map<string, number>();

  constructor(reader: EventReader, options: TraceSampleOptions) {
    this.#reader = reader;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  get size(): { readonly traces: number; readonly bytes: number } {
    const all = [...this.#stretches.values()];
    return {
      traces: all.reduce((sum, { traces }) => sum + traces, 0),
      bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  get perStep(): number {
    const times = [...this.#stretches.keys()];
    if (times.length === 0) return 0;
    const seen = [...this.#groups()].reduce((sum, [, group]) => sum + group.seen, 0);
    const covered = Math.max(...times) - Math.min(...times) + this.#stretchMs;
    return (seen * this.#options.intervalMs) / covered;
  }

  /** Takes a complete trace, or not. */
  add(trace: Trace<EventSpan>, nowMs: number): void {
    this.expire(nowMs);
    const sequence = this.#reader.read(trace);
    // A clock that is ahead would keep its traces for longer.
    if (sequence !== undefined) this.#add({ ...sequence, atMs: Math.min(sequence.atMs, nowMs) }, nowMs);
  }

  expire(nowMs: number): void {
    const before = this.#stretches.size;
    for (const fromMs of this.#stretches.keys()) {
      if (fromMs + this.#stretchMs <= nowMs - this.#options.historyMs) this.#stretches.delete(fromMs);
    }
    if (this.#stretches.size < before) this.#forgetRepresentatives();
  }

  sequences(): WeightedSequence[] {
    return [...this.#groups()]
      .flatMap(([, { seen, traces }]) =>
        traces.map((trace) => ({
          sequence: readTrace(trace, this.#representatives),
          weight: seen / traces.length,
        })),
      )
      .sort((a, b) => a.sequence.atMs - b.sequence.atMs);
  }

  /** The sample without the traces of some times, such as those in which a service was anomalous. */
  without(isLeftOut: (atMs: number) => boolean): TraceHistory {
    return {
      perStep: this.perStep,
      sequences: () => this.sequences().filter(({ sequence }) => !isLeftOut(sequence.atMs)),
    };
  }

  async save(path: string): Promise<void> {
    const groups = [...this.#groups()].map(([fromMs, { seen, traces }]) => ({ fromMs, seen, traces }));
    const content = encodeSample(this.#options.events, { representatives: this.#representatives, groups });
    await writeAtomically([{ path, content }]);
  }

  /**
   * Replaces the sample by that of a file, or by an empty one.
   *
   * @returns why it can't be used; undefined if it can, or if there is none
   */
  async load(path: string, nowMs: number): Promise<string | undefined> {
    this.#stretches.clear();
    this.#forgetRepresentatives();
    let bytes: Buffer | undefined;
    try {
      bytes = readStateFile(path);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      return error.message;
    }
    if (bytes === undefined) return undefined;
    const content = decodeSample(this.#options.events, bytes);
    if (typeof content === 'string') return `${path}: ${content}`;
    for (const { seen, traces } of content.groups) {
      // The first stands for those that were left out.
      for (const [index, trace] of traces.entries()) {
        this.#add(readTrace(trace, content.representatives), nowMs, index === 0 ? seen - traces.length + 1 : 1);
      }
    }
    return undefined;
  }

  get #stretchMs(): number {
    return this.#options.historyMs / STRETCHES;
  }

  *#groups(): Generator<[number, Group]> {
    for (const [fromMs, { groups }] of this.#stretches) for (const group of groups.values()) yield [fromMs, group];
  }

  #add(sequence: EventSequence, nowMs: number, weight = 1): void {
    const fromMs = Math.floor(sequence.atMs / this.#stretchMs) * this.#stretchMs;
    if (fromMs + this.#stretchMs <= nowMs - this.#options.historyMs) return;
    const bytes = bytesOf(sequence.events.length);
    if (bytes > this.#options.maxBytes / STRETCHES || !this.#knows(sequence)) return;
    let stretch = this.#stretches.get(fromMs);
    if (stretch === undefined) this.#stretches.set(fromMs, (stretch = { traces: 0, bytes: 0, groups: new Map() }));
    const root = sequence.events[0]!.representative.key;
    let group = stretch.groups.get(root);
    if (group === undefined) stretch.groups.set(root, (group = { seen: 0, bytes: 0, traces: [] }));
    group.seen += weight;
    const full = this.#isFull(stretch, bytes);
    if (full && group === largest(stretch)) {
      // Vitter's algorithm R: each trace of the group is as likely to stay.
      if (this.#random.uniform() * group.seen >= group.traces.length) return;
      this.#drop(stretch, group);
    }
    group.traces.push(storeTrace(sequence, (representative) => this.#indices.get(representative.key)!));
    resize(stretch, group, 1, bytes);
    while (this.#isFull(stretch, 0)) this.#drop(stretch, largest(stretch));
  }

  #isFull({ traces, bytes }: Stretch, more: number): boolean {
    const { maxTraces, maxBytes } = this.#options;
    return traces + Number(more > 0) > maxTraces / STRETCHES || bytes + more > maxBytes / STRETCHES;
  }

  #drop(stretch: Stretch, group: Group): void {
    const at = Math.floor(this.#random.uniform() * group.traces.length);
    const dropped = group.traces[at]!;
    group.traces[at] = group.traces.at(-1)!;
    group.traces.pop();
    resize(stretch, group, -1, -bytesOf(dropped.codes.length));
  }

  #knows({ events }: EventSequence): boolean {
    for (const { representative } of events) {
      if (this.#indices.has(representative.key)) continue;
      if (this.#representatives.length >= MAX_REPRESENTATIVES) return false;
      this.#indices.set(representative.key, this.#representatives.length);
      this.#representatives.push(representative);
    }
    return true;
  }

  /** Numbers those anew that the remaining traces have. */
  #forgetRepresentatives(): void {
    const before = this.#representatives;
    this.#representatives = [];
    this.#indices.clear();
    for (const [, { traces }] of this.#groups()) {
      for (const [index, trace] of traces.entries()) {
        const sequence = readTrace(trace, before);
        this.#knows(sequence);
        traces[index] = storeTrace(sequence, ({ key }) => this.#indices.get(key)!);
      }
    }
  }
}

function largest({ groups }: Stretch): Group {
  return [...groups.values()].reduce((most, group) => (group.bytes > most.bytes ? group : most));
}

function resize(stretch: Stretch, group: Group, traces: number, bytes: number): void {
  stretch.traces += traces;
  stretch.bytes += bytes;
  group.bytes += bytes;
}

function bytesOf(events: number): number {
  return TRACE_BYTES + EVENT_BYTES * events;
}
