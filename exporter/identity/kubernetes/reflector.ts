import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ConditionLog, describeError, type Logger } from '../../../daemon/logger.ts';
import type { ApiClient } from './api-client.ts';
import { ApiError, isExpired, ProtocolError, type ApiStatus } from './api-error.ts';
import { Backoff } from './backoff.ts';
import { JsonLines } from './json-lines.ts';
import { ListItems } from './list-items.ts';
import { objectKey, type ApiObject } from './metadata.ts';

/** A kind of objects to know. */
export interface Resource<T> {
  /** As logs and metrics name it. */
  readonly name: string;
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Whether `metadata` is all that is wanted. */
  readonly metadataOnly?: boolean;
  /** Keeps what is needed of an object; undefined when it isn't needed at all. */
  readonly compact: (object: ApiObject) => T | undefined;
}

export interface ReflectorOptions<T> {
  readonly client: ApiClient;
  readonly resource: Resource<T>;
  readonly logger: Logger;
  /** Told when `objects` or `synced` are others than before. */
  readonly onChange: () => void;
  /** Numbers from 0 to 1. Default: Math.random. */
  readonly random?: () => number;
  /** After so many milliseconds without a byte a request is given up. Default: 150 s; the server sends a bookmark each minute. */
  readonly idleMs?: number;
}

/** What a reflector has done so far. */
export interface ReflectorCounts {
  /** Requests for a page of a list. */
  lists: number;
  watches: number;
  events: number;
  failures: number;
}

const PAGE = 500;
/** How long the server lets a watch go on, in seconds: this, up to twice as long, so that not all end at once. */
const WATCH_SECONDS = 300;
/** A watch that has held so long shows that the server is well, and a list that it isn't the list that expires. */
const HEALTHY_MS = 5000;

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: ApiObject & ApiStatus;
}

interface ListEnvelope {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/**
 * Knows the objects of one kind as the API server knows them: by a list, then by a watch that goes on where the last one
 * ended. While the server is away, what was known last stays known.
 * https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
 */
export class Reflector<T> {
  readonly counts: ReflectorCounts = { lists: 0, watches: 0, events: 0, failures: 0 };
  readonly #options: ReflectorOptions<T>;
  readonly #log: ConditionLog;
  readonly #backoff: Backoff;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  #objects = new Map<string, T>();
  #synced = false;
  /** Where the next watch begins; undefined when a list has to come first. */
  #version: string | undefined;
  /** Whether the past was expired: then a list mustn't come from a cache that may lag behind even more. */
  #expired = false;
  /** When the last list was complete. */
  #listedAt = -Infinity;
  #failure: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#log = new ConditionLog(options.logger.with({ resource: options.resource.name }));
    this.#backoff = new Backoff(this.#random);
  }

  /** What its objects are. */
  get name(): string {
    return this.#options.resource.name;
  }

  /** The objects by their keys. */
  get objects(): ReadonlyMap<string, T> {
    return this.#objects;
  }

  /** Whether all objects were known at some time. */
  get synced(): boolean {
    return this.#synced;
  }

  /** What ails it now; undefined when nothing does. */
  get failure(): string | undefined {
    return this.#failure;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const started = performance.now();
      let pauseMs = 0;
      try {
        if (this.#version === undefined) await this.#list();
        await this.#watch();
        // One that the server ends at once is as good as none.
        if (performance.now() - started < HEALTHY_MS) pauseMs = this.#backoff.next();
      } catch (error) {
        if (signal.aborted) return;
        // The server is back and has forgotten the past: a list needn't wait as long as the last attempt to reach it.
        if (isExpired(error) && performance.now() - this.#listedAt >= HEALTHY_MS) this.#backoff.reset();
        pauseMs = Math.max(this.#backoff.next(), error instanceof ApiError ? error.retryAfterMs : 0);
        this.#failed(error);
      }
      if (performance.now() - started >= HEALTHY_MS) this.#backoff.reset();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #failed(error: unknown): void {
    if (isExpired(error)) {
      this.#version = undefined;
      this.#expired = true;
      return;
    }
    this.counts.failures++;
    this.#failure = describeError(error);
    this.#log.failing('api', 'cannot read from the Kubernetes API, using the last list', error);
  }

  #works(): void {
    this.#failure = undefined;
    this.#log.recovered('api', 'Kubernetes API is available again');
  }

  async #list(): Promise<void> {
    const listed = new Map<string, T>();
    let version: string | undefined;
    let next: string | undefined;
    do {
      const { metadata } = await this.#page(listed, next);
      version = metadata?.resourceVersion;
      next = metadata?.continue || undefined;
    } while (next !== undefined);
    if (version === undefined) throw new ProtocolError('the list has no resource version');
    this.#version = version;
    this.#expired = false;
    this.#listedAt = performance.now();
    this.#replace(listed);
  }

  async #page(listed: Map<string, T>, next: string | undefined): Promise<ListEnvelope> {
    const { resource } = this.#options;
    const items = new ListItems((item) => {
      const object = item as ApiObject;
      const compacted = resource.compact(object);
      if (compacted !== undefined) listed.set(objectKey(object.metadata), compacted);
    });
    // Any state will do at the start, even from a cache: the watch brings it up to date.
    const from = next !== undefined ? { continue: next } : this.#expired ? {} : { resourceVersion: '0' };
    this.counts.lists++;
    await this.#get({ limit: String(PAGE), ...from }, 'PartialObjectMetadataList', (chunk) => items.push(chunk));
    return items.envelope() as ListEnvelope;
  }

  #replace(listed: Map<string, T>): void {
    const known = this.#objects;
    const same =
      this.#synced &&
      listed.size === known.size &&
      [...listed].every(([key, object]) => isDeepStrictEqual(object, known.get(key)));
    this.#objects = listed;
    this.#synced = true;
    if (!same) this.#options.onChange();
  }

  async #watch(): Promise<void> {
    const seconds = Math.round(WATCH_SECONDS * (1 + this.#random()));
    const query = {
      watch: '1',
      allowWatchBookmarks: 'true',
      resourceVersion: this.#version ?? '',
      timeoutSeconds: String(seconds),
    };
    const lines = new JsonLines((event) => this.#event(event as WatchEvent));
    this.counts.watches++;
    await this.#get(query, 'PartialObjectMetadata', (chunk) => lines.push(chunk));
  }

  #event({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw new ApiError(`${object.code}: ${object.message}`, object.code ?? 0);
    this.#version = object.metadata.resourceVersion;
    if (type === 'BOOKMARK') return;
    this.counts.events++;
    const key = objectKey(object.metadata);
    const known = this.#objects.get(key);
    const now = type === 'DELETED' ? undefined : this.#options.resource.compact(object);
    // Most events change what isn't of interest here.
    if (isDeepStrictEqual(known, now)) return;
    if (now === undefined) this.#objects.delete(key);
    else this.#objects.set(key, now);
    this.#options.onChange();
  }

  #get(query: Readonly<Record<string, string>>, metadataKind: string, onBody: (chunk: Buffer) => void): Promise<void> {
    const { client, resource, idleMs = 150_000 } = this.#options;
    const accept =
      resource.metadataOnly === true ? `application/json;as=${metadataKind};g=meta.k8s.io;v=v1` : 'application/json';
    return client.get({
      path: `${resource.path}?${new URLSearchParams({ ...resource.query, ...query }).toString()}`,
      accept,
      idleMs,
      signal: this.#stop.signal,
      onAnswer: () => this.#works(),
      onBody,
    });
  }
}
