import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { cgroupMount } from '../../daemon/cgroup-mount.ts';
import { Cluster } from '../../scripts/cluster/cluster.ts';
import { diagnose } from '../../scripts/cluster/diagnosis.ts';
import { SIM_IMAGE } from '../../scripts/cluster/images/images.ts';
import { leftOf } from './leftovers.ts';
import { sharedState, type SharedState } from './shared-state.ts';
import { Anomalies } from '../../scripts/cluster/scenario/anomalies.ts';
import {
  installLorikeet,
  lorikeetIsReady,
  uninstallLorikeet,
  upgradeToDemoTime,
} from '../../scripts/cluster/scenario/lorikeet.ts';
import { Monitoring } from '../../scripts/cluster/scenario/monitoring.ts';
import { Shop, SHOP_SERVICES } from '../../scripts/cluster/scenario/shop.ts';
import { Times } from '../../scripts/cluster/times.ts';
import { TIME_SCALE } from '../../scripts/demo/time-scale.ts';
import { inventory } from '../kubernetes/inventory.ts';
import { describeWith } from '../skips/describe-with.ts';
import { CLUSTER } from '../skips/needs.ts';
import { cgroupsBelow, isInKernel, objectsOfExporters } from './bpf-objects.ts';
import { Counts } from './counts.ts';
import { NAMESPACE, REQUESTS, HOST_PORT, SIDECAR_PORT, workloads } from './workloads.ts';

const REAL_TIME = process.env['LORIKEET_CLUSTER_REAL_TIME'] === '1';
const BROKEN = 'catalog';
const NEXT_IMAGE = SIM_IMAGE.replace(/:[^:]*$/, ':next');

describeWith([CLUSTER], 'in a cluster of two nodes', () => {
  const times = new Times();
  let before: SharedState;
  let cluster: Cluster;
  let monitoring: Monitoring;
  let shop: Shop;
  let anomalies: Anomalies;
  let counts: Counts;

  beforeAll(async () => {
    before = sharedState();
    cluster = await Cluster.start(times);
  });
  afterAll(async () => {
    if (cluster === undefined) return;
    const { folder } = cluster.machine;
    await times.measure('cluster removed', () => cluster.stop());
    process.stdout.write(`\n${times.render()}`);
    expect(leftOf(folder)).toEqual([]);
    expect(sharedState()).toEqual(before);
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(async () => void process.stdout.write(await diagnose(cluster)));
  });

  test('Prometheus runs in a pod', async () => {
    monitoring = await times.measure('Prometheus ready', () => Monitoring.install(cluster));
    counts = new Counts(cluster, monitoring);
    anomalies = new Anomalies(cluster, monitoring, REAL_TIME ? TIME_SCALE : 1);
  });

  test("README's command installs the chart", async () => {
    await times.measure('chart installed', () => installLorikeet(cluster));
  });

  test('Prometheus finds the exporter of each node and the scorer, and loads the rules', async () => {
    await times.measure('targets and rules found', async () => {
      await counts.becomes('count(up{job="lorikeet-exporter"} == 1)', cluster.nodes.length);
      await counts.becomes('count(up{job="lorikeet-scorer"} == 1)', 1);
      await cluster.until('the rules', 240, async () => {
        const rules = await monitoring.alertingRules();
        return ['ServiceAnomalous', 'LorikeetScorerDown'].every((name) => rules.includes(name));
      });
    });
  });

  test.skipIf(REAL_TIME)('an upgrade changes features, rules and the cycle', async () => {
    await times.measure('chart upgraded', () => upgradeToDemoTime(cluster));
  });

  test('every service of the simulated shop gets a score', async () => {
    shop = await times.measure('shop ready', () => Shop.deploy(cluster));
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(workloads()));
    await times.measure('first score', () => anomalies.firstScores());
  });

  test('replicas on both nodes are one service', async () => {
    const pods = 'lorikeet_requests_total{namespace="shop",service="cart",role="server"}';
    await counts.becomes(`count(${pods})`, 2);
    await counts.becomes(`count(count by (instance) (${pods}))`, 2);
  });

  test('an edge through a Service is counted alike at both ends', async () => {
    const client = await counts.rate(
      'lorikeet_edge_requests_total{client_service="checkout",server_service="payment"}',
    );
    const server = await counts.rate('lorikeet_requests_total{namespace="shop",service="payment",role="server"}');
    expect(client).toBeGreaterThan(1);
    expect(Math.abs(client / server - 1)).toBeLessThan(0.1);
  });

  test('requests of init containers are counted', () => counts.edgeBecomes('with-init', 'server', REQUESTS.init));

  test('requests to a sidecar are counted', () =>
    counts.edgeBecomes('with-sidecar', 'with-sidecar', REQUESTS.sidecar, SIDECAR_PORT));

  test("requests to a pod in a node's network are counted at both ends", async () => {
    await counts.edgeBecomes('calls-the-host', 'on-the-host', REQUESTS.toTheHost, HOST_PORT);
    await counts.becomes(counts.served(NAMESPACE, 'on-the-host'), REQUESTS.toTheHost);
  });

  test('requests of a CronJob are counted, each pod having lived for less than a second', () =>
    counts.edgeBecomes(
      'every-minute',
      'server',
      async () => REQUESTS.cronJob * (await counts.finishedJobs(NAMESPACE)),
    ));

  test('requests of a container that restarts are counted on', () =>
    counts.edgeBecomes('restarting', 'server', async () => {
      return REQUESTS.restarting * (await counts.finishedContainers(NAMESPACE, 'restarting'));
    }));

  test('a broken service gets a score above 1, an alert and the blame', async () => {
    expect(await anomalies.firing()).not.toContain(BROKEN);
    await shop.slowDown(BROKEN);
    await times.measure('score above 1 after the fault', () => anomalies.scoreAboveOne(BROKEN));
    await times.measure('alert after that', () => anomalies.alertFires(BROKEN));
    await times.measure('first cause after that', () => anomalies.isFirstCause(BROKEN));
    await shop.clear(BROKEN);
    await times.measure('resolved after its end', () => anomalies.resolved(BROKEN));
  });

  test('a new version of a service goes on under its name', async () => {
    for (const node of cluster.nodes) await node.tagImage(SIM_IMAGE, NEXT_IMAGE);
    await times.measure('new version rolled out', () => shop.roll(BROKEN, NEXT_IMAGE));
    const [pod = ''] = await counts.pods('shop', BROKEN);
    await counts.grows(counts.served('shop', BROKEN, pod));
  });

  test('a new exporter goes on with the connections that it finds', async () => {
    await cluster.kubectl(['-n', 'lorikeet', 'rollout', 'restart', 'daemonset/lorikeet-exporter']);
    await times.measure('exporters replaced', () => lorikeetIsReady(cluster));
    for (const service of SHOP_SERVICES) await counts.grows(counts.served('shop', service));
  });

  test('more replicas have series of their own', async () => {
    await times.measure('scaled', () => shop.scale('cart', 4));
    for (const pod of await counts.pods('shop', 'cart')) {
      await Promise.all([counts.grows(counts.served('shop', 'cart', pod)), shop.ask(pod)]);
    }
  });

  test('a drained node loses the pods of the shop, and keeps its exporter', async () => {
    const drain = ['drain', 'node2', '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=300s'];
    await times.measure('node drained', () => cluster.kubectl(drain));
    await shop.isReady();
    await counts.becomes('count(up{job="lorikeet-exporter"} == 1)', cluster.nodes.length);
    const there = 'lorikeet_requests_total{namespace="shop",role="server",instance="node2"}';
    await counts.becomes(`count(${there}) or vector(0)`, 0);
    for (const service of SHOP_SERVICES) await counts.grows(counts.served('shop', service));
    await cluster.kubectl(['uncordon', 'node2']);
  });

  test('its removal leaves nothing in the cluster, on the nodes and in the kernel', async () => {
    const objects = await objectsOfExporters(cluster);
    expect(objects.filter(isInKernel).length).toBeGreaterThan(10);
    await cluster.kubectl(['delete', 'namespace', NAMESPACE, '--timeout=300s']);
    await shop.remove();
    await times.measure('chart uninstalled', () => uninstallLorikeet(cluster));
    const left = Object.keys(await inventory(cluster.api));
    expect(left.filter((path) => /lorikeet|shop/.test(path))).toEqual([]);
    await expect.poll(() => objects.filter(isInKernel), { timeout: 20_000 }).toEqual([]);
    const { items } = await cluster.api.request<{ items: { metadata: { uid: string } }[] }>('GET', '/api/v1/pods');
    const known = items.map(({ metadata }) => metadata.uid);
    const orphans = () =>
      cgroupsBelow(join(cgroupMount() ?? '', cluster.machine.name)).filter((path) => {
        const [, uid] = /\/pod([0-9a-f-]{36})$/.exec(path) ?? [];
        return uid !== undefined && !known.includes(uid);
      });
    await expect.poll(orphans, { timeout: 20_000 }).toEqual([]);
  });
});
