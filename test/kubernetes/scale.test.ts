import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bundleExporter, type Bundle, type Exporter } from '../exporter/program.ts';
import { CART, FRONT, serve, translate, withShop } from '../exporter/shop.ts';
import { describeWith } from '../skips/describe-with.ts';
import { KUBERNETES } from '../skips/needs.ts';
import { startKubernetes, type RunningKubernetes } from '../testserver/kubernetes.ts';
import { residentBytes } from '../resident-memory.ts';
import { AccountFolder } from './account.ts';
import { Cluster, deployed, NODE } from './cluster.ts';
import { Fleet } from './fleet.ts';

const SIZE = { pods: 5000, services: 500, nodes: 50 };
/** Number of replaced pods. */
const CHURN = 300;

const OBJECTS = 'lorikeet_exporter_kubernetes_objects';

describeWith([KUBERNETES], 'identity in a large cluster', () => {
  let bundle: Bundle;
  let kubernetes: RunningKubernetes;
  let fleet: Fleet;
  let account: AccountFolder;
  beforeAll(async () => {
    bundle = await bundleExporter();
    kubernetes = await startKubernetes();
    fleet = await Fleet.create(kubernetes, 'fleet', SIZE);
    const cluster = new Cluster(kubernetes);
    await cluster.namespace('shop');
    account = new AccountFolder(kubernetes, 'account');
    account.write(await cluster.account('lorikeet'));
  }, 300_000);
  afterAll(async () => {
    bundle?.remove();
    await kubernetes?.stop();
  });

  const objects = async (exporter: Exporter, resource: string): Promise<number | undefined> =>
    (await exporter.samples(OBJECTS))[`${OBJECTS}{resource="${resource}"}`];

  test(
    'names new peers, with one list and one watch of each kind',
    () =>
      withShop(async (front, cart) => {
        const { uid } = await new Cluster(kubernetes).pod({ ...deployed('front'), addresses: [FRONT.ipv4] });
        const cgroup = ['kubepods', 'kubepods/besteffort', `kubepods/besteffort/pod${uid}`]
          .map((path) => front.childCgroup(path))
          .at(-1);
        if (cgroup === undefined) throw new Error('no cgroup');
        const flags = ['--kubernetes.in-cluster', `--kubernetes.node-name=${NODE}`];
        const started = performance.now();
        const exporter = await bundle.startThrough(account.command(kubernetes.url), ...flags);
        await vi.waitFor(async () => expect(await exporter.get('/-/ready')).toMatchObject({ status: 200 }), {
          timeout: 60_000,
        });
        expect(await objects(exporter, 'pod_metadata')).toBe(SIZE.pods + 1);
        const before = new Set(fleet.pods.map(({ name }) => name));
        await fleet.churn(CHURN);
        const added = fleet.pods.filter(({ name }) => !before.has(name));
        expect(added).toHaveLength(CHURN);

        // A new pod, by its own address and by that of its service.
        const peer = added.at(-1);
        if (peer === undefined) throw new Error('no peer');
        const path = `/api/v1/namespaces/fleet/services/${peer.service.name}`;
        const { spec } = await kubernetes.request<{ spec: { clusterIP: string } }>('GET', path);
        cart.configure('ip', 'address', 'add', `${peer.address}/32`, 'dev', 'eth0');
        front.configure('ip', 'route', 'add', `${peer.address}/32`, 'via', CART.ipv4);
        const server = await serve(cart, cart.cgroup, '0.0.0.0', 8080);
        translate(front, { family: 'ip', virtual: spec.clusterIP, real: peer.address, port: 8080 });
        const ask = (host: string, port: number, single: number) =>
          front.run(cgroup, 'http-client.mjs', { host, port, single });
        const named = (port: number): string =>
          `server_namespace="fleet",server_service="${peer.service.name}",server_port="${port}"`;
        const served = async (): Promise<Readonly<Record<string, number>>> => {
          const edges = Object.entries(await exporter.samples('lorikeet_edge_requests_total'));
          return Object.fromEntries(edges.map(([line, count]) => [/server_namespace.*"/.exec(line)?.[0], count]));
        };
        let attempts = 0;
        // A peer is external until its pod is known, which a burst of changes may delay by seconds.
        await vi.waitFor(
          async () => {
            await ask(peer.address, 8080, 1);
            attempts++;
            expect(Object.keys(await served())).toContain(named(8080));
          },
          { timeout: 30_000, interval: 500 },
        );
        const earlier = await served();
        expect(Object.values(earlier).reduce((sum, count) => sum + count, 0)).toBe(attempts);
        await ask(peer.address, 8080, 3);
        await ask(spec.clusterIP, 80, 4);
        expect(await served()).toEqual({ ...earlier, [named(8080)]: (earlier[named(8080)] ?? 0) + 3, [named(80)]: 4 });

        // Deleted pods are forgotten.
        const local = fleet.pods.filter(({ node }) => node === NODE).length;
        await vi.waitFor(
          async () => {
            expect(await objects(exporter, 'pod_metadata')).toBe(SIZE.pods + 1);
            expect(await objects(exporter, 'pods')).toBe(local + 1);
          },
          { timeout: 30_000 },
        );
        await server.stop();

        printUsage(exporter, (performance.now() - started) / 1000);
        const asked = (await kubernetes.auditEvents()).filter(({ userAgent }) => userAgent.startsWith('lorikeet'));
        expect(asked.filter(({ verb }) => verb === 'watch')).toHaveLength(5);
        // Each page is a request, but a server may return a list in one page.
        expect(asked.filter(({ verb }) => verb === 'list').length).toBeLessThanOrEqual(4 + 1 + SIZE.pods / 500);
        process.stderr.write(`${asked.length} requests to the API server\n`);
        await exporter.stop();
      }),
    180_000,
  );
});

/** Prints the exporter's resource usage, for information; see the benchmark for reliable figures. */
function printUsage({ pid }: Exporter, seconds: number): void {
  const rss = residentBytes(pid) / 1e6;
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const cpu = (Number(fields[11]) + Number(fields[12])) / 100;
  process.stderr.write(
    `${SIZE.pods} pods, ${CHURN} replaced: ${rss.toFixed(1)} MB, ${cpu} s of CPU time in ${seconds.toFixed(1)} s\n`,
  );
}
