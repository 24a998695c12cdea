import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { RunningProgram, serving } from '../running-program.ts';
import { startFakeKubernetes } from '../hostile/answers/servers/kubernetes-api.ts';
import { withSandbox, type Sandbox } from '../kernel/sandbox/sandbox.ts';
import { residentBytes } from '../resident-memory.ts';
import { until } from '../until.ts';
import { LivingCluster } from './living-cluster.ts';

export interface ChurnOptions {
  readonly pods: number;
  /** Pods that come, change or go in a second. */
  readonly perSecond: number;
  readonly seconds: number;
  /** Removes all pods at the end, and waits until their series have gone. */
  readonly untilGone?: boolean;
}

/** What a scrape showed, with a pause of a second before the next one. */
export interface Scraped {
  /** Since the first one, milliseconds. */
  readonly atMs: number;
  readonly series: number;
  readonly residentMb: number;
}

export interface ChurnReport {
  readonly scrapes: readonly Scraped[];
  readonly events: number;
  /** Pods that sent requests, each of which had its own count under its own name. */
  readonly witnesses: number;
  readonly lists: number;
  readonly watches: number;
}

/** Kinds of objects that the exporter reads, each by one list and one watch, which lasts five minutes or more. */
const RESOURCES = 5;
const WATCH_SECONDS = 300;
const TICK_MS = 100;
const WITNESS_MS = 2000;
/** A pod's series go within seconds once both it and its cgroup have gone; a busy machine needs longer. */
const GONE_MS = 300_000;

const CLIENT = /^lorikeet_requests_total\{.*service="([^"]+)".*role="client".*\} (\d+)$/gm;

/** Series in a scrape. @throws Error for a page without their number, as that of a busy exporter */
async function seriesIn(exporter: RunningProgram): Promise<number> {
  const { lorikeet_exporter_series: count } = await exporter.samples('lorikeet_exporter_series');
  if (count === undefined) throw new Error('/metrics has no number of series');
  return count;
}

/** Requests as a client, by service. */
async function requestsOf(exporter: RunningProgram): Promise<ReadonlyMap<string, number>> {
  const { text } = await exporter.get('/metrics');
  return new Map([...text.matchAll(CLIENT)].map(([, service = '', count]) => [service, Number(count)]));
}

/** Pods of one node come, change and go; names, series and requests to the API server must be right all the time. */
export async function churnPods({ pods, perSecond, seconds, untilGone = false }: ChurnOptions): Promise<ChurnReport> {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-soak-'));
  const root = join(findCgroupMount(), `lorikeet-soak-${process.pid}`);
  mkdirSync(root);
  const api = await startFakeKubernetes(folder);
  const cluster = new LivingCluster(root);
  let exporter: RunningProgram | undefined;
  try {
    api.misbehave(cluster.answer);
    let made = 0;
    const appear = () => cluster.appear(`pod-${made++}`);
    for (let pod = 0; pod < pods; pod++) appear();
    const args = [`--kubernetes.kubeconfig=${api.kubeconfig}`, '--kubernetes.node-name=node'];
    const running = (exporter = await RunningProgram.start(serving('exporter', args), { cwd: folder }));
    const known = 'lorikeet_exporter_kubernetes_objects{resource="pods"}';
    await until('all pods', async () => (await running.value(known)) === pods, { timeoutMs: 60_000 });

    const over = new AbortController();
    const scrapes: Scraped[] = [];
    const startedMs = performance.now();
    let events = 0;
    const live = async (): Promise<void> => {
      const started = performance.now();
      for (let next = 0; !over.signal.aborted;) {
        const due = ((performance.now() - started) / 1000) * perSecond;
        for (; next < due; next++, events++) {
          // The oldest that is no witness, which goes by itself.
          const oldest = () => cluster.names.find((name) => name.startsWith('pod-')) ?? '';
          if (next % 3 === 0) appear();
          else if (next % 3 === 1) cluster.go(oldest());
          else cluster.change(oldest());
        }
        await sleep(TICK_MS);
      }
    };
    const scrape = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const count = await seriesIn(running);
        scrapes.push({
          atMs: performance.now() - startedMs,
          series: count,
          residentMb: residentBytes(running.pid) / 1e6,
        });
        await sleep(1000);
      }
    };
    const expected = new Map<string, number>();
    const witness = async (sandbox: Sandbox): Promise<void> => {
      const server = await sandbox.start(sandbox.cgroup, 'http-server.mjs', { host: '127.0.0.1', bodyBytes: 100 });
      const { port } = server.ready as { port: number };
      for (let number = 0; !over.signal.aborted; number++) {
        const [name, single] = [`witness-${number}`, 1 + (number % 9)];
        expected.set(name, single);
        await sandbox.run(cluster.appear(name), 'http-client.mjs', { host: '127.0.0.1', port, single });
        const count = async () => (await requestsOf(running)).get(name);
        await until(`${single} requests of ${name}`, async () => (await count()) === single, { timeoutMs: 60_000 });
        cluster.go(name);
        // Nobody else has sent any.
        for (const [service, requests] of await requestsOf(running)) {
          if (requests > 0) expect([service, requests]).toEqual([service, expected.get(service)]);
        }
        await sleep(WITNESS_MS);
      }
      await server.stop();
    };
    const end = sleep(seconds * 1000).then(() => over.abort());
    const failed = (error: unknown): never => {
      over.abort();
      throw error;
    };
    await Promise.all([live(), scrape(), withSandbox(witness), end].map((part) => part.catch(failed)));

    const gone = cluster.names.length;
    if (untilGone) {
      for (const name of cluster.names) cluster.go(name);
      const left = () => seriesIn(running);
      await until(`the series of ${gone} pods to go`, async () => (await left()) === 0, {
        timeoutMs: GONE_MS,
        periodMs: 1000,
      });
    }
    expect(api.violations).toEqual([]);
    expect(running.log.filter((line) => /level=(warn|error)/.test(line))).toEqual([]);
    const lists = api.asked.filter(({ isWatch }) => !isWatch).length;
    expect(lists).toBe(RESOURCES);
    const watches = api.asked.length - lists;
    const secondsUp = seconds + (untilGone ? GONE_MS / 1000 : 0);
    expect(watches).toBeLessThanOrEqual(RESOURCES * (1 + Math.ceil(secondsUp / WATCH_SECONDS)));
    await running.stop();
    return { scrapes, events, witnesses: expected.size, lists, watches };
  } finally {
    await exporter?.kill();
    await api.stop();
    cluster.remove();
    rmdirSync(root);
    rmSync(folder, { recursive: true });
  }
}
