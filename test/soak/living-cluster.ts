import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Asked, Misbehaviour } from '../hostile/answers/servers/kubernetes-api.ts';
import type { Cgroup } from '../kernel/sandbox/sandbox.ts';

interface LivingPod {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}

interface Watch {
  readonly response: ServerResponse;
  readonly isMetadata: boolean;
}

type Change = 'ADDED' | 'MODIFIED' | 'DELETED';

/** The pods of a node, which come, change and go with their cgroups, as an API server reports them. */
export class LivingCluster {
  readonly #kubepods: string;
  readonly #pods = new Map<string, LivingPod>();
  readonly #watches = new Set<Watch>();
  /** Of the current version; a watch may start a few events ago. */
  #events: { readonly version: number; readonly type: Change; readonly pod: LivingPod }[] = [];
  #version = 1000;
  #made = 0;

  /** @param root a cgroup, for that of the kubelet */
  constructor(root: string) {
    this.#kubepods = join(root, 'kubepods', 'besteffort');
    mkdirSync(this.#kubepods, { recursive: true });
  }

  get names(): readonly string[] {
    return [...this.#pods.keys()];
  }

  appear(name: string): Cgroup {
    const path = this.#cgroup(name);
    mkdirSync(path);
    this.#report('ADDED', this.#pod(name));
    return { path, id: statSync(path, { bigint: true }).ino };
  }

  change(name: string): void {
    this.#report('MODIFIED', this.#pod(name));
  }

  go(name: string): void {
    this.#report('DELETED', this.#pod(name));
    rmdirSync(this.#cgroup(name));
  }

  /** Answers for pods; of everything else there is nothing. */
  readonly answer: Misbehaviour = (asked, response) => {
    if (asked.path !== '/api/v1/pods') {
      if (!asked.isWatch) return false;
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      this.#keepOpen(asked, response);
      return true;
    }
    // Of the two lists of pods, that of the whole cluster asks for metadata only.
    const isMetadata = !asked.query.has('fieldSelector');
    response.writeHead(200, { 'content-type': 'application/json' });
    if (asked.isWatch) this.#watch(asked, { response, isMetadata });
    else {
      const items = [...this.#pods.values()].map((pod) => partOf(pod, isMetadata));
      const kind = isMetadata ? 'PartialObjectMetadataList' : 'PodList';
      response.end(JSON.stringify({ kind, metadata: { resourceVersion: String(this.#version) }, items }));
    }
    return true;
  };

  /** Removes what is left, and the cgroups. */
  remove(): void {
    for (const name of this.names) this.go(name);
    rmdirSync(this.#kubepods);
    rmdirSync(join(this.#kubepods, '..'));
  }

  #cgroup(name: string): string {
    return join(this.#kubepods, `poduid-${name}`);
  }

  #pod(name: string): LivingPod {
    const number = ++this.#made;
    const podIP = `10.${64 + ((number >> 16) & 63)}.${(number >> 8) & 255}.${number & 255}`;
    const resourceVersion = String(++this.#version);
    return {
      metadata: { namespace: 'soak', name, uid: `uid-${name}`, resourceVersion, annotations: { changed: podIP } },
      spec: { nodeName: 'node', containers: [{ name: 'main' }] },
      status: { phase: 'Running', podIP, podIPs: [{ ip: podIP }], qosClass: 'BestEffort' },
    } as LivingPod;
  }

  #report(type: Change, pod: LivingPod): void {
    if (type === 'DELETED') this.#pods.delete(pod.metadata.name);
    else this.#pods.set(pod.metadata.name, pod);
    this.#events.push({ version: this.#version, type, pod });
    if (this.#events.length > 10_000) this.#events = this.#events.slice(-5000);
    for (const watch of this.#watches) send(watch, type, pod);
  }

  #watch(asked: Asked, watch: Watch): void {
    const { query } = asked;
    const { response } = watch;
    const from = Number(query.get('resourceVersion'));
    response.flushHeaders();
    if (from < (this.#events[0]?.version ?? this.#version) - 1) {
      response.end(JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } }));
      return;
    }
    for (const { version, type, pod } of this.#events) if (version > from) send(watch, type, pod);
    this.#watches.add(watch);
    this.#keepOpen(asked, response);
    response.once('close', () => this.#watches.delete(watch));
  }

  /** Until the timeout that was asked for, with a bookmark each minute. */
  #keepOpen({ query }: Asked, response: ServerResponse): void {
    const bookmark = () => {
      const metadata = { resourceVersion: String(this.#version) };
      response.write(`${JSON.stringify({ type: 'BOOKMARK', object: { metadata } })}\n`);
    };
    const bookmarks = setInterval(bookmark, 60_000);
    const timer = setTimeout(() => response.end(), 1000 * Number(query.get('timeoutSeconds')));
    response.once('close', () => {
      clearInterval(bookmarks);
      clearTimeout(timer);
    });
  }
}

function partOf(pod: LivingPod, isMetadata: boolean): object {
  return isMetadata ? { kind: 'PartialObjectMetadata', metadata: pod.metadata } : pod;
}

function send({ response, isMetadata }: Watch, type: Change, pod: LivingPod): void {
  response.write(`${JSON.stringify({ type, object: partOf(pod, isMetadata) })}\n`);
}
