/**
 * Measures the cost of identity from the Kubernetes API for the API server and the exporter, in a cluster of 5,000
 * changing pods: bytes of each way to list and watch pods, the exporter's memory and CPU time, requests.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ApiClient } from '../exporter/identity/kubernetes/api/api-client.ts';
import { fromKubeconfig } from '../exporter/identity/kubernetes/api/kubeconfig.ts';
import { median } from '../scorer/numeric/statistics.ts';
import { AccountFolder } from '../test/kubernetes/account.ts';
import { Cluster } from '../test/kubernetes/cluster.ts';
import { Fleet } from '../test/kubernetes/fleet.ts';
import { startKubernetes, type RunningKubernetes } from '../test/testserver/kubernetes.ts';
import { makeFleet, SERIES_PER_TARGET } from './exporter/site/fleet.ts';
import { exporterOf, Subject } from './exporter/subjects/subject.ts';
import { writeResults } from './results.ts';
import { round } from './statistics.ts';

const SIZE = { pods: 5000, services: 500, nodes: 50 };
const NODE = 'node-1';
/** The exporter's other work, as in `npm run bench -- exporter`. */
const KNOWN = 2000;
const SERIES = 20_000;
const ROUNDS = 3;
/** A rollout in the cluster: number of replaced pods, one per second. */
const CHURN = 8;

interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

const METADATA = 'application/json;as=PartialObjectMetadata';
const VIEWS = [
  { what: 'pods of a node', path: `/api/v1/pods?fieldSelector=spec.nodeName%3D${NODE}&`, metadata: false },
  { what: 'all pods', path: '/api/v1/pods?', metadata: false },
  { what: 'all pods, metadata only', path: '/api/v1/pods?', metadata: true },
  { what: 'services', path: '/api/v1/services?', metadata: false },
  { what: 'endpoint slices', path: '/apis/discovery.k8s.io/v1/endpointslices?', metadata: false },
] as const;

async function measureViews(kubernetes: RunningKubernetes, fleet: Fleet): Promise<readonly Row[]> {
  const client = new ApiClient(fromKubeconfig(kubernetes.kubeconfig), 'bench');
  const watching = new AbortController();
  const read = async (path: string, accept: string, onBody: (chunk: Buffer) => void): Promise<void> =>
    client.get({
      path,
      accept,
      idleMs: 600_000,
      maxMs: 600_000,
      signal: watching.signal,
      onAnswer: () => undefined,
      onBody,
    });
  const views = [];
  for (const { what, path, metadata } of VIEWS) {
    const view = { what, listed: 0, watched: 0 };
    const as = (kind: string): string => (metadata ? `${METADATA}${kind};g=meta.k8s.io;v=v1` : 'application/json');
    await read(path, as('List'), (chunk) => (view.listed += chunk.length));
    // Without a version the watch first sends the existing objects.
    const version = await kubernetes.request<{ metadata: { resourceVersion: string } }>('GET', `${path}limit=1`);
    const from = `${path}watch=1&resourceVersion=${version.metadata.resourceVersion}`;
    void read(from, as(''), (chunk) => (view.watched += chunk.length)).catch(() => undefined);
    views.push(view);
  }
  await fleet.churn(CHURN);
  await pause(2000);
  watching.abort();
  return views.flatMap(({ what, listed, watched }) => [
    { what: `${what}: list`, value: round(listed / 1e6, 2), unit: 'MB' },
    { what: `${what}: watch, a pod replaced`, value: round(watched / CHURN / 1e3), unit: 'kB' },
  ]);
}

interface Variant {
  readonly what: string;
  readonly command: readonly [string, ...string[]];
  readonly rss: number[];
  readonly cpu: number[];
  readonly block: number[];
}

async function measure(variant: Variant, fleet: Fleet, watchLoop: boolean): Promise<void> {
  const subject = await Subject.start(variant.command, { watchLoop });
  try {
    if (variant.what !== 'targets file') await known(subject);
    for (let scrapes = 0; scrapes < 10; scrapes++) await subject.scrape();
    const started = subject.cpuMs;
    subject.takeLongestBlock();
    for (let second = 0; second < CHURN; second++) {
      await Promise.all([fleet.churn(1), pause(1000)]);
      // After the updates caused by the churn: scrapes block the event loop as well.
      if (!watchLoop && second % 15 === 0) await subject.scrape();
    }
    if (watchLoop) variant.block.push(subject.takeLongestBlock());
    else {
      variant.cpu.push((subject.cpuMs - started) / CHURN);
      variant.rss.push(subject.residentMb);
    }
  } finally {
    await subject.stop();
  }
}

async function known(subject: Subject): Promise<void> {
  const objects = 'lorikeet_exporter_kubernetes_objects{resource="pod_metadata"}';
  while ((await subject.value(objects).catch(() => 0)) < SIZE.pods) await pause(500);
  await pause(1500);
}

async function measureExporter(kubernetes: RunningKubernetes, fleet: Fleet): Promise<readonly Row[]> {
  const account = new AccountFolder(kubernetes, 'bench');
  account.write(await new Cluster(kubernetes).account('lorikeet'));
  const kubeconfig = await kubernetes.kubeconfigFor('default', 'lorikeet');
  const targets = makeFleet(KNOWN, Math.ceil(SERIES / SERIES_PER_TARGET));
  const exporter = exporterOf(targets);
  const node = `--kubernetes.node-name=${NODE}`;
  const variants: readonly Variant[] = [
    { what: 'targets file', command: exporter, rss: [], cpu: [], block: [] },
    {
      what: 'and in-cluster',
      command: [...account.command(kubernetes.url), ...exporter, '--kubernetes.in-cluster', node],
      rss: [],
      cpu: [],
      block: [],
    },
    {
      what: 'and kubeconfig',
      command: [...exporter, `--kubernetes.kubeconfig=${kubeconfig}`, node],
      rss: [],
      cpu: [],
      block: [],
    },
  ];
  try {
    for (let turn = 0; turn < ROUNDS; turn++) {
      for (const variant of variants) await measure(variant, fleet, false);
      for (const variant of variants) await measure(variant, fleet, true);
    }
  } finally {
    targets.remove();
  }
  const runs = 2 * 2 * ROUNDS;
  const asked = (await kubernetes.auditEvents()).filter(({ userAgent }) => userAgent.startsWith('lorikeet'));
  const of = (verb: string): number => asked.filter((event) => event.verb === verb).length / runs;
  return [
    ...variants.flatMap(({ what, rss, cpu, block }) => [
      { what: `exporter, ${what}: resident memory`, value: round(median(rss)), unit: 'MB' },
      { what: `exporter, ${what}: processor time, a second`, value: round(median(cpu)), unit: 'ms' },
      { what: `exporter, ${what}: longest event-loop block`, value: round(median(block)), unit: 'ms' },
    ]),
    { what: 'requests of an exporter at its start: lists', value: round(of('list')), unit: '' },
    { what: `requests of an exporter in ${CHURN} s: watches`, value: round(of('watch')), unit: '' },
  ];
}

const kubernetes = await startKubernetes();
try {
  process.stdout.write(`making ${SIZE.pods} pods\n`);
  const fleet = await Fleet.create(kubernetes, 'fleet', SIZE);
  const rows = [...(await measureViews(kubernetes, fleet)), ...(await measureExporter(kubernetes, fleet))];
  writeResults('kubernetes-identity', rows);
  for (const { what, value, unit } of rows) {
    process.stdout.write(`${what.padEnd(60)} ${String(value).padStart(8)} ${unit}\n`);
  }
} finally {
  await kubernetes.stop();
}
