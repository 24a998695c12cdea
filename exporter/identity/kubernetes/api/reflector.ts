import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { ConditionLog, describeError, type Logger } from '../../../../daemon/logger.ts';
import type { ApiClient, ApiRequest } from './api-client.ts';
import { ApiError, isExpired, ProtocolError, type ApiStatus } from './api-error.ts';
import { Backoff } from './backoff.ts';
import { JsonLines } from './json-lines.ts';
import { MAX_OBJECTS, MAX_PAGE_MS, MAX_RETRY_AFTER_MS, MAX_WATCH_OVERTIME_MS } from './limits.ts';
import { readPages } from './list-pages.ts';
import { objectKey, type ApiObject } from './metadata.ts';

/** A resource to list and watch. */
export interface Resource<T> {
  /** Name in logs and metrics. */
  readonly name: string;
  /** Such as `/api/v1/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Requests only the `metadata` of the objects. */
  readonly metadataOnly?: boolean;
  /** Reduces an object to the needed fields; undefined if the object is not needed. */
  readonly compact: (object: ApiObject) => T | undefined;
}

export interface ReflectorOptions<T> {
  readonly client: ApiClient;
  readonly resource: Resource<T>;
  readonly logger: Logger;
  /** Called when `objects` or `synced` change. */
  readonly onChange: () => void;
  /** Called with each object that is removed, before `onChange`. */
  onRemove?(key: string, object: T): void;
  /** Numbers from 0 to 1. Default: Math.random. */
  readonly random?: () => number;
  /** Timeout of a request without data, in milliseconds. Default: 150 s; the server sends a bookmark each minute. */
  readonly idleMs?: number;
}

/** Counts since the start of a reflector. */
export interface ReflectorCounts {
  /** List requests, one for each page. */
  lists: number;
  watches: number;
  events: number;
  failures: number;
}

/** Minimum duration of a watch in seconds. The server ends it after up to twice as long, so not all end at once. */
const WATCH_SECONDS = 300;
/** A watch this long, in milliseconds, proves that the server works, and that the list has not expired. */
const HEALTHY_MS = 5000;

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: ApiObject & ApiStatus;
}

interface Reading extends Pick<ApiRequest, 'maxMs' | 'onAnswer' | 'onBody'> {
  readonly query: Readonly<Record<string, string>>;
  /** The kind of the response where only metadata is asked for. */
  readonly kind: string;
}

/**
 * Mirrors the objects of one resource of the API server: first by a list, then by watches, each from where the last one
 * ended. While the server is unavailable, the last objects stay.
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
  /** Resource version from which the next watch starts; undefined if a list must come first. */
  #version: string | undefined;
  /** True after an expired resource version: then a list must not come from a cache, which may be even older. */
  #expired = false;
  /** Time of the last complete list. */
  #listedAt = -Infinity;
  #failure: string | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#log = new ConditionLog(options.logger.with({ resource: options.resource.name }));
    this.#backoff = new Backoff(this.#random);
  }

  /** Name of the resource. */
  get name(): string {
    return this.#options.resource.name;
  }

  /** The objects by their keys. */
  get objects(): ReadonlyMap<string, T> {
    return this.#objects;
  }

  /** True once all objects have been listed. */
  get synced(): boolean {
    return this.#synced;
  }

  /** The current error; undefined if there is none. */
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
        // A watch that the server ends immediately does not count as a success.
        if (performance.now() - started < HEALTHY_MS) pauseMs = this.#backoff.next();
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = this.#failed(error);
      }
      if (performance.now() - started >= HEALTHY_MS) this.#backoff.reset();
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Returns the pause before the next attempt, in milliseconds. */
  #failed(error: unknown): number {
    if (isExpired(error)) {
      const isWatch = this.#version !== undefined;
      // The server is back without the old version: list soon, without the long pause of failed attempts.
      if (isWatch && performance.now() - this.#listedAt >= HEALTHY_MS) this.#backoff.reset();
      const again = this.#expired;
      this.#version = undefined;
      this.#expired = true;
      // A list may expire while it is read, but not time after time.
      if (!again) return this.#backoff.next();
    }
    this.counts.failures++;
    this.#failure = describeError(error);
    this.#log.failing('api', 'cannot read from the Kubernetes API, using the last list', error);
    const asked = error instanceof ApiError ? error.retryAfterMs : 0;
    return Math.max(this.#backoff.next(), Math.min(asked, MAX_RETRY_AFTER_MS));
  }

  #works(): void {
    this.#failure = undefined;
    this.#log.recovered('api', 'Kubernetes API is available again');
  }

  async #list(): Promise<void> {
    const listed = new Map<string, T>();
    // At the start any version will do, even from a cache: the watch brings it up to date.
    const from = this.#expired ? {} : { resourceVersion: '0' };
    const get = (query: Readonly<Record<string, string>>, onBody: (chunk: Buffer) => void) => {
      this.counts.lists++;
      return this.#get({ query, kind: 'PartialObjectMetadataList', maxMs: MAX_PAGE_MS, onBody });
    };
    const version = await readPages(get, from, (object) => {
      const compacted = this.#options.resource.compact(object);
      if (compacted !== undefined) listed.set(objectKey(object.metadata), compacted);
    });
    this.#works();
    this.#version = version;
    this.#expired = false;
    this.#listedAt = performance.now();
    this.#replace(listed);
  }

  #replace(listed: Map<string, T>): void {
    const known = this.#objects;
    const same =
      this.#synced &&
      listed.size === known.size &&
      [...listed].every(([key, object]) => isDeepStrictEqual(object, known.get(key)));
    for (const [key, object] of known) if (!listed.has(key)) this.#options.onRemove?.(key, object);
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
    await this.#get({
      query,
      kind: 'PartialObjectMetadata',
      maxMs: seconds * 1000 + MAX_WATCH_OVERTIME_MS,
      // A watch may have nothing to say.
      onAnswer: () => this.#works(),
      onBody: (chunk) => lines.push(chunk),
    });
  }

  #event({ type, object }: WatchEvent): void {
    if (type === 'ERROR') throw new ApiError(`${object.code}: ${object.message}`, object.code ?? 0);
    this.#version = object.metadata.resourceVersion;
    if (type === 'BOOKMARK') return;
    this.counts.events++;
    const key = objectKey(object.metadata);
    const known = this.#objects.get(key);
    const now = type === 'DELETED' ? undefined : this.#options.resource.compact(object);
    // Most events change no field that is used here.
    if (isDeepStrictEqual(known, now)) return;
    if (known !== undefined && now === undefined) this.#options.onRemove?.(key, known);
    if (now === undefined) this.#objects.delete(key);
    else if (known === undefined && this.#objects.size >= MAX_OBJECTS) {
      throw new ProtocolError(`more than ${MAX_OBJECTS} objects`);
    } else this.#objects.set(key, now);
    this.#options.onChange();
  }

  #get({ query, kind, ...request }: Reading): Promise<void> {
    const { client, resource, idleMs = 150_000 } = this.#options;
    const accept =
      resource.metadataOnly === true ? `application/json;as=${kind};g=meta.k8s.io;v=v1` : 'application/json';
    return client.get({
      ...request,
      path: `${resource.path}?${new URLSearchParams({ ...resource.query, ...query }).toString()}`,
      accept,
      idleMs,
      signal: this.#stop.signal,
    });
  }
}
