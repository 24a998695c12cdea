import { execFileSync } from 'node:child_process';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { bundleExporter, type Bundle, type Exporter } from '../exporter/program.ts';
import { CART, entry, FRONT, serve, translate, withShop, writeTargets } from '../exporter/shop.ts';
import type { Cgroup, Sandbox } from '../kernel/sandbox/sandbox.ts';
import { describeWith } from '../skips/describe-with.ts';
import { KUBERNETES } from '../skips/needs.ts';
import { startKubernetes, type RunningKubernetes } from '../testserver/kubernetes.ts';
import { AccountFolder } from './account.ts';
import { Cluster, deployed, NODE } from './cluster.ts';

const CONTAINER = `cri-containerd-${'0f'.repeat(32)}.scope`;

/** Creates the cgroups of a path below the sandbox's, and returns the last one. */
function makeCgroups(sandbox: Sandbox, path: string): Cgroup {
  const names = path.split('/');
  const cgroups = names.map((_, depth) => sandbox.childCgroup(names.slice(0, depth + 1).join('/')));
  return cgroups.at(-1) as Cgroup;
}

/** A container's cgroup as by the kubelet's systemd driver, of a pod with the QoS class Burstable. */
const systemdCgroup = (sandbox: Sandbox, uid: string): Cgroup =>
  makeCgroups(
    sandbox,
    `kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uid.replaceAll('-', '_')}.slice/${CONTAINER}`,
  );

/** The same for the cgroupfs driver and a BestEffort pod. */
const cgroupfsCgroup = (sandbox: Sandbox, uid: string): Cgroup =>
  makeCgroups(sandbox, `kubepods/besteffort/pod${uid}/${'0f'.repeat(32)}`);

const ask = (from: Sandbox, cgroup: Cgroup, host: string, port: number, count: number): Promise<unknown> =>
  from.run(cgroup, 'http-client.mjs', { host, port, single: count });

/** Requests by edge, `client -> server port`, without edges that have none. */
async function edges(exporter: Exporter): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [line, count] of Object.entries(await exporter.samples('lorikeet_edge_requests_total'))) {
    const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(line)?.[1] ?? '';
    if (count > 0) found[`${label('client_service')} -> ${label('server_service')} ${label('server_port')}`] = count;
  }
  return found;
}

/** Requests of a role by `service/pod`, including pods without requests. */
async function requests(exporter: Exporter, role: 'client' | 'server'): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const [line, count] of Object.entries(await exporter.samples('lorikeet_requests_total'))) {
    const match = /service="([^"]*)",pod="([^"]*)",role="([^"]*)"/.exec(line);
    if (match?.[3] === role) found[`${match[1]}/${match[2]}`] = count;
  }
  return found;
}

/** The pods on this node in lorikeet_target_info: `kind service/pod monitored`. */
async function infos(exporter: Exporter): Promise<readonly string[]> {
  return Object.keys(await exporter.samples('lorikeet_target_info'))
    .map((line) => {
      const label = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(line)?.[1] ?? '';
      return `${label('workload_kind')} ${label('service')}/${label('pod')} ${label('monitored')}`;
    })
    .sort();
}

const soon = (check: () => Promise<void>): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 200 });
/** A retry takes at most 30 s after an outage, and as long again to list if the server forgot old versions. */
const afterAnOutage = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 60_000, interval: 200 });

vi.setConfig({ testTimeout: 180_000 });

describeWith([KUBERNETES], 'identity from a Kubernetes API server', () => {
  let bundle: Bundle;
  let kubernetes: RunningKubernetes;
  let cluster: Cluster;
  let account: AccountFolder;

  beforeAll(async () => {
    bundle = await bundleExporter();
  });
  afterAll(() => bundle?.remove());

  // A cluster for each test, so that tests do not see each other's pods.
  beforeEach(async () => {
    kubernetes = await startKubernetes();
    cluster = new Cluster(kubernetes);
    await cluster.namespace('shop');
    account = new AccountFolder(kubernetes, 'account');
    account.write(await cluster.account('lorikeet'));
    return () => kubernetes.stop();
  }, 120_000);

  /** Runs the exporter, and waits until it is ready unless `ready` is false. */
  async function start(flags: readonly string[] = [], { ready = true } = {}): Promise<Exporter> {
    const own = ['--kubernetes.in-cluster', `--kubernetes.node-name=${NODE}`];
    const exporter = await bundle.startThrough(account.command(kubernetes.url), ...own, ...flags);
    if (ready) await isReady(exporter);
    return exporter;
  }
  const isReady = async (exporter: Exporter): Promise<void> =>
    soon(async () => expect(await exporter.get('/-/ready')).toMatchObject({ status: 200 }));

  /** A front end and a cart with a server, both pods of this node. */
  async function shop(front: Sandbox, cart: Sandbox) {
    const frontPod = await cluster.pod({ ...deployed('front'), addresses: [FRONT.ipv4], qosClass: 'Burstable' });
    const cartPod = await cluster.pod({ name: 'cart-0', owner: ['StatefulSet', 'cart'], addresses: [CART.ipv4] });
    const frontCgroup = systemdCgroup(front, frontPod.uid);
    const server = await serve(cart, cgroupfsCgroup(cart, cartPod.uid), '0.0.0.0');
    return { frontCgroup, frontName: `front/${frontPod.name}`, ...server };
  }

  test('sockets are attributed by kubelets’ cgroups, peers by addresses of pods, services and other nodes', () =>
    withShop(async (front, cart) => {
      const [elsewhere] = CART.unlisted;
      const frontPod = await cluster.pod({
        ...deployed('front'),
        addresses: [FRONT.ipv4, FRONT.ipv6],
        qosClass: 'Burstable',
      });
      const cartPod = await cluster.pod({
        name: 'cart-0',
        owner: ['StatefulSet', 'cart'],
        addresses: [CART.ipv4, CART.ipv6],
      });
      await cluster.pod({ ...deployed('stock'), node: 'node-2', addresses: [elsewhere] });
      const frontCgroup = systemdCgroup(front, frontPod.uid);
      const cartCgroup = cgroupfsCgroup(cart, cartPod.uid);
      const { port, stop } = await serve(cart, cartCgroup, '::');
      const virtual = await cluster.service(
        'basket',
        [CART.ipv4, CART.ipv6].map((address) => ({ address, pod: 'cart-0' })),
        port,
      );
      await cluster.service('stock', [{ address: elsewhere, pod: deployed('stock').name }], port);
      const exporter = await start();

      await ask(front, frontCgroup, CART.ipv4, port, 1);
      await ask(front, frontCgroup, CART.ipv6, port, 2);
      await ask(front, frontCgroup, elsewhere, port, 4);
      for (const [address, real] of [
        [virtual.find((text) => !text.includes(':')), CART.ipv4],
        [virtual.find((text) => text.includes(':')), CART.ipv6],
      ] as const) {
        expect(address).toBeDefined();
        if (address === undefined) continue;
        translate(front, { family: address.includes(':') ? 'ip6' : 'ip', virtual: address, real, port });
        await ask(front, frontCgroup, address, 80, 8);
      }
      expect(await edges(exporter)).toEqual({
        [`front -> cart ${port}`]: 1 + 2,
        [`front -> stock ${port}`]: 4,
        'front -> cart 80': 8 + 8,
      });
      expect(await requests(exporter, 'client')).toEqual({ [`front/${frontPod.name}`]: 23, 'cart/cart-0': 0 });
      expect(await requests(exporter, 'server')).toEqual({ [`front/${frontPod.name}`]: 0, 'cart/cart-0': 23 });
      expect(await infos(exporter)).toEqual([`Deployment front/${frontPod.name} true`, 'StatefulSet cart/cart-0 true']);
      await stop();
      await exporter.stop();

      // Only these verbs, and no errors.
      const asked = (await kubernetes.auditEvents()).filter(({ userAgent }) => userAgent.startsWith('lorikeet'));
      const rights = new Set(asked.map(({ verb, resource, code }) => `${verb} ${resource} ${code}`));
      expect([...rights].sort()).toEqual([
        'list endpointslices 200',
        'list namespaces 200',
        'list pods 200',
        'list services 200',
        'watch endpointslices 200',
        'watch namespaces 200',
        'watch pods 200',
        'watch services 200',
      ]);
    }));

  test('annotations of pods and namespaces take effect within seconds, those of pods first', () =>
    withShop(async (front, cart) => {
      const { frontCgroup, frontName, port, stop } = await shop(front, cart);
      const exporter = await start();
      const both = { [frontName]: expect.any(Number), 'cart/cart-0': expect.any(Number) };
      expect(await requests(exporter, 'server')).toEqual(both);

      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/monitor': 'false' });
      await soon(async () => expect(Object.keys(await requests(exporter, 'server'))).toEqual([frontName]));
      expect(await infos(exporter)).toContain('StatefulSet cart/cart-0 false');
      await cluster.annotate('shop', { 'lorikeet.dev/monitor': 'false' });
      await soon(async () => expect(await requests(exporter, 'server')).toEqual({}));
      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/monitor': 'true' });
      await soon(async () => expect(Object.keys(await requests(exporter, 'server'))).toEqual(['cart/cart-0']));
      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/monitor': null });
      await cluster.annotate('shop', { 'lorikeet.dev/monitor': null });
      await soon(async () => expect(await requests(exporter, 'server')).toEqual(both));

      await ask(front, frontCgroup, CART.ipv4, port, 3);
      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/service': 'basket' });
      await soon(async () => expect(await infos(exporter)).toContain('StatefulSet basket/cart-0 true'));
      await ask(front, frontCgroup, CART.ipv4, port, 5);
      expect(await edges(exporter)).toEqual({ [`front -> cart ${port}`]: 3, [`front -> basket ${port}`]: 5 });

      // An invalid value is ignored, logged once and counted.
      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/monitor': 'no', 'lorikeet.dev/service': null });
      await soon(async () => expect(await infos(exporter)).toContain('StatefulSet cart/cart-0 true'));
      const rejected = 'lorikeet_exporter_kubernetes_rejected_annotations_total';
      expect(await exporter.samples(rejected)).toEqual({ [rejected]: 1 });
      expect(exporter.log.filter((line) => line.includes('invalid annotation ignored'))).toEqual([
        expect.stringContaining('object="pod shop/cart-0" annotation=lorikeet.dev/monitor value=no'),
      ]);
      await stop();
      await exporter.stop();
    }));

  test('without annotations --monitor.default is used', () =>
    withShop(async (front, cart) => {
      const { frontName, stop } = await shop(front, cart);
      await cluster.annotate(`shop/pods/${frontName.split('/')[1]}`, { 'lorikeet.dev/monitor': 'true' });
      const exporter = await start(['--monitor.default=none']);
      expect(Object.keys(await requests(exporter, 'server'))).toEqual([frontName]);
      expect(await infos(exporter)).toEqual([`Deployment ${frontName} true`, 'StatefulSet cart/cart-0 false']);
      await stop();
      await exporter.stop();
    }));

  test('a deleted or terminated pod has no series at the next scrape, and its address belongs to the next pod', () =>
    withShop(async (front, cart) => {
      const { frontCgroup, frontName, port, stop } = await shop(front, cart);
      const exporter = await start();
      await ask(front, frontCgroup, CART.ipv4, port, 2);
      await cluster.deletePod('cart-0');
      await soon(async () => expect(await infos(exporter)).toEqual([`Deployment ${frontName} true`]));
      expect(Object.keys(await exporter.samples('lorikeet_')).filter((line) => line.includes('pod="cart-0"'))).toEqual(
        [],
      );

      /** Creates a pod with the same address, and waits until the exporter has it. */
      const takeOver = async (name: string): Promise<void> => {
        const pod = await cluster.pod({ name, addresses: [CART.ipv4] });
        cart.childCgroup(`kubepods/besteffort/pod${pod.uid}`);
        await soon(async () => expect(await infos(exporter)).toContain(`Pod ${name}/${name} true`));
      };
      await takeOver('till');
      await ask(front, frontCgroup, CART.ipv4, port, 3);
      // It has terminated, but its object still exists.
      await cluster.status({ namespace: 'shop', name: 'till' }, { phase: 'Succeeded' });
      await soon(async () => expect(await infos(exporter)).not.toContain('Pod till/till true'));
      await takeOver('heir');
      await ask(front, frontCgroup, CART.ipv4, port, 4);
      expect(await edges(exporter)).toEqual({
        [`front -> cart ${port}`]: 2,
        [`front -> till ${port}`]: 3,
        [`front -> heir ${port}`]: 4,
      });
      await stop();
      await exporter.stop();
    }));

  test('a pod that starts and ends between two scrapes is counted', () =>
    withShop(async (front, cart) => {
      const pods = makeCgroups(front, 'kubepods/besteffort');
      const server = await serve(cart, cart.cgroup, '0.0.0.0');
      const exporter = await start();
      const { uid } = await cluster.pod({ name: 'brief', addresses: [FRONT.ipv4] });
      const path = join(pods.path, `pod${uid}`);
      mkdirSync(path);
      await ask(front, { path, id: 0n }, CART.ipv4, server.port, 5);
      rmdirSync(path);
      await cluster.deletePod('brief');
      await soon(async () => expect(await requests(exporter, 'client')).toEqual({ 'brief/brief': 5 }));
      await server.stop();
      await exporter.stop();
    }));

  test('pods of all kinds are named after their workload, in cgroups of both drivers and of a kubelet in a container', () =>
    withShop(async (front) => {
      const minutes = Math.floor(Date.now() / 60_000);
      const prefix = 'engine.slice/kubelet.slice/kubelet-kubepods.slice';
      makeCgroups(front, prefix);
      const place = async (path: (uid: string) => string, options: Parameters<Cluster['pod']>[0]): Promise<void> => {
        const { uid } = await cluster.pod(options);
        front.childCgroup(`${prefix}/${path(uid.replaceAll('-', '_'))}`);
      };
      front.childCgroup(`${prefix}/kubelet-kubepods-besteffort.slice`);
      const bestEffort = (uid: string): string =>
        `kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${uid}.slice`;
      const hash = 'f00d'.repeat(8);
      await place(bestEffort, { name: 'backup-1', owner: ['Job', `backup-${minutes}`] });
      await place(bestEffort, { name: 'migrate-1', owner: ['Job', 'migrate-20240131'] });
      await place(bestEffort, { name: 'agent-1', owner: ['DaemonSet', 'agent'] });
      await place(bestEffort, { name: 'shell' });
      await place((uid) => `kubelet-kubepods-pod${uid}.slice`, { ...deployed('front'), qosClass: 'Guaranteed' });
      await place(() => bestEffort(hash), {
        name: `proxy-${NODE}`,
        owner: ['Node', NODE],
        annotations: { 'kubernetes.io/config.mirror': hash, 'kubernetes.io/config.hash': hash },
      });
      const exporter = await start();
      expect(await infos(exporter)).toEqual([
        'CronJob backup/backup-1 true',
        'DaemonSet agent/agent-1 true',
        `Deployment front/${deployed('front').name} true`,
        'Job migrate-20240131/migrate-1 true',
        `Node proxy/proxy-${NODE} true`,
        'Pod shell/shell true',
      ]);
      await exporter.stop();
    }));

  test('pods in the network of their node are identified by cgroups, and as peers by their ports', () =>
    withShop(async (node, cart) => {
      const host = { hostNetwork: true, addresses: [FRONT.ipv4] };
      const agentPod = await cluster.pod({ ...host, name: 'agent' });
      const proxyPod = await cluster.pod({ ...host, name: 'proxy', ports: [8080] });
      const cartPod = await cluster.pod({ name: 'cart-0', owner: ['StatefulSet', 'cart'], addresses: [CART.ipv4] });
      makeCgroups(node, 'kubepods/besteffort');
      const agent = node.childCgroup(`kubepods/besteffort/pod${agentPod.uid}`);
      const proxy = node.childCgroup(`kubepods/besteffort/pod${proxyPod.uid}`);
      const cartCgroup = cgroupfsCgroup(cart, cartPod.uid);
      const servers = [
        await serve(node, agent, FRONT.ipv4, 9100),
        await serve(node, proxy, FRONT.ipv4, 8080),
        await serve(node, node.cgroup, FRONT.ipv4, 22),
      ];
      // A service has the agent's port.
      await cluster.service('agent', [{ address: FRONT.ipv4, pod: 'agent' }], 9100);
      const exporter = await start();
      await ask(cart, cartCgroup, FRONT.ipv4, 9100, 1);
      await ask(cart, cartCgroup, FRONT.ipv4, 8080, 2);
      await ask(cart, cartCgroup, FRONT.ipv4, 22, 4);
      await ask(node, proxy, FRONT.ipv4, 9100, 8);
      expect(await edges(exporter)).toEqual({
        'cart -> agent 9100': 1,
        'cart -> proxy 8080': 2,
        // The listener is not a pod of the node.
        [`cart -> ${FRONT.ipv4} 22`]: 4,
        'proxy -> agent 9100': 8,
      });
      expect(await requests(exporter, 'server')).toEqual({ 'agent/agent': 9, 'proxy/proxy': 2, 'cart/cart-0': 0 });
      expect(await requests(exporter, 'client')).toEqual({ 'agent/agent': 0, 'proxy/proxy': 8, 'cart/cart-0': 7 });
      for (const server of servers) await server.stop();
      await exporter.stop();
    }));

  test('while the API server is down nothing is lost, and after its restart the exporter catches up', () =>
    withShop(async (front, cart) => {
      const { frontCgroup, frontName, port, stop } = await shop(front, cart);
      await cluster.pod({ name: 'brief', addresses: [CART.unlisted[0]] });
      const exporter = await start();
      const up = 'lorikeet_exporter_kubernetes_up';
      const isUp = (value: number): Promise<void> =>
        afterAnOutage(async () => expect(new Set(Object.values(await exporter.samples(up)))).toEqual(new Set([value])));
      await isUp(1);
      await kubernetes.crash();
      await isUp(0);
      await ask(front, frontCgroup, CART.ipv4, port, 2);
      expect(await edges(exporter)).toEqual({ [`front -> cart ${port}`]: 2 });
      expect(await exporter.get('/-/ready')).toMatchObject({ status: 200 });

      // So that it cannot catch up before old versions are gone.
      account.write('not-a-token');
      await kubernetes.restart();
      await cluster.deletePod('brief');
      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/service': 'basket' });
      await kubernetes.compact();
      await kubernetes.crash();
      await kubernetes.restart();
      account.write(await kubernetes.token('default', 'lorikeet'));
      await isUp(1);
      await afterAnOutage(async () =>
        expect(await infos(exporter)).toEqual([`Deployment ${frontName} true`, 'StatefulSet basket/cart-0 true']),
      );
      const lists = 'lorikeet_exporter_kubernetes_lists_total{resource="pods"}';
      expect((await exporter.samples(lists))[lists]).toBeGreaterThan(1);
      await stop();
      await exporter.stop();
    }));

  test('before the API server answers nothing is lost, and readiness has the reason', () =>
    withShop(async (front, cart) => {
      const { frontCgroup, frontName, port, stop } = await shop(front, cart);
      await kubernetes.crash();
      const exporter = await start([], { ready: false });
      const { status, text } = await exporter.get('/-/ready');
      expect({ status, text }).toMatchObject({ status: 503, text: expect.stringContaining('Kubernetes API: pods: ') });
      expect(await exporter.get('/-/healthy')).toMatchObject({ status: 200 });
      await ask(front, frontCgroup, CART.ipv4, port, 7);
      expect(await requests(exporter, 'server')).toEqual({});
      await kubernetes.restart();
      await afterAnOutage(() => isReady(exporter));
      expect(await requests(exporter, 'server')).toEqual({ [frontName]: 0, 'cart/cart-0': 7 });
      expect(await edges(exporter)).toEqual({ [`front -> cart ${port}`]: 7 });
      await stop();
      await exporter.stop();
    }));

  test('a replaced token is used for the next request; one without permissions is reported', () =>
    withShop(async (front, cart) => {
      const { frontName, stop } = await shop(front, cart);
      const other = await cluster.account('renewed');
      const exporter = await start();
      account.write('not-a-token');
      await kubernetes.crash();
      await kubernetes.restart();
      await afterAnOutage(async () => expect(exporter.log.join('\n')).toContain('error="401: Unauthorized"'));
      account.write(other);
      await afterAnOutage(async () => {
        await cluster.annotate('shop', { touched: String(Date.now()) });
        // A rejected token has no user name.
        const allowed = (await kubernetes.auditEvents()).filter(({ code }) => code === 200);
        const renewed = allowed.filter(({ verb, user }) => verb === 'watch' && user.endsWith(':renewed'));
        expect(renewed.length).toBeGreaterThanOrEqual(5);
      });
      await cluster.annotate('shop/pods/cart-0', { 'lorikeet.dev/monitor': 'false' });
      await soon(async () =>
        expect(await infos(exporter)).toEqual([`Deployment ${frontName} true`, 'StatefulSet cart/cart-0 false']),
      );
      await stop();
      await exporter.stop();
    }));

  test('a kubeconfig works as well, together with a targets file; an invalid one is a usage error', async () => {
    const { status, stderr } = bundle.run('--kubernetes.kubeconfig=/absent', `--kubernetes.node-name=${NODE}`);
    expect({ status, stderr }).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('/absent: invalid kubeconfig'),
    });
    await withShop(async (front, cart) => {
      const { stop } = await shop(front, cart);
      const targets = join(kubernetes.folder, 'targets.yaml');
      writeTargets(targets, `targets:\n${entry('outside', front.cgroup)}`);
      const kubeconfig = await kubernetes.kubeconfigFor('default', 'lorikeet');
      const flags = [`--kubernetes.kubeconfig=${kubeconfig}`, `--kubernetes.node-name=${NODE}`];
      const exporter = await bundle.start(...flags, `--targets.file=${targets}`);
      await isReady(exporter);
      expect(await infos(exporter)).toEqual([
        `Deployment front/${deployed('front').name} true`,
        'StatefulSet cart/cart-0 true',
        'Static outside/outside-1 true',
      ]);
      const { text } = await exporter.get('/metrics');
      execFileSync('promtool', ['check', 'metrics'], { input: text, stdio: ['pipe', 'ignore', 'inherit'] });
      await stop();
      await exporter.stop();
    });
  });
});
