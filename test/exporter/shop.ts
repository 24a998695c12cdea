import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { findCgroupMount } from '../../exporter/cgroups/cgroup.ts';
import { withSandbox, type Cgroup, type Sandbox } from '../kernel/sandbox/sandbox.ts';

/** Addresses of the two machines. Other addresses of the cart are not in a targets file. */
export const FRONT = { ipv4: '10.231.0.1', ipv6: 'fd00:231::1' };
export const CART = { ipv4: '10.231.0.2', ipv6: 'fd00:231::2', unlisted: ['10.231.0.8', '10.231.0.9'] } as const;

/** Two connected machines: a front end and a cart, each in its own network namespace and cgroup. */
export function withShop(work: (front: Sandbox, cart: Sandbox) => Promise<void>): Promise<void> {
  return withSandbox((front) =>
    withSandbox(async (cart) => {
      const pair = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', cart.netns];
      execFileSync('ip', ['-netns', front.netns, 'link', 'add', 'eth0', ...pair]);
      const plugIn = (sandbox: Sandbox, ...addresses: readonly string[]): void => {
        for (const address of addresses) {
          const v6 = address.includes(':');
          const options = v6 ? [`${address}/64`, 'dev', 'eth0', 'nodad'] : [`${address}/24`, 'dev', 'eth0'];
          sandbox.configure('ip', 'address', 'add', ...options);
        }
        sandbox.configure('ip', 'link', 'set', 'eth0', 'up');
      };
      plugIn(front, FRONT.ipv4, FRONT.ipv6);
      plugIn(cart, CART.ipv4, CART.ipv6, ...CART.unlisted);
      await work(front, cart);
    }),
  );
}

/** Writes a targets file atomically, like editors and ConfigMaps do. */
export function writeTargets(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  // Longer than the kernel's time stamps are exact to: the exporter tells a rename from a write by them.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  renameSync(`${path}.new`, path);
}

/** An entry of a targets file; without a cgroup, the service runs on another machine. */
export function entry(service: string, cgroup: Cgroup | undefined, addresses: readonly string[] = []): string {
  const place = cgroup === undefined ? '' : `, cgroup: ${cgroup.path.replace(findCgroupMount(), '')}`;
  const list = addresses.map((address) => `"${address}"`).join(', ');
  return `  - {namespace: shop, service: ${service}, pod: ${service}-1${place}, addresses: [${list}]}\n`;
}

export const shopTargets = (front: Sandbox, cart: Sandbox): string =>
  `targets:\n${entry('front', front.cgroup, [FRONT.ipv4, FRONT.ipv6])}${entry('cart', cart.cgroup, [CART.ipv4, CART.ipv6])}`;

/** The labels of a service's only pod. */
export const of = (service: string, rest: string): string =>
  `{namespace="shop",service="${service}",pod="${service}-1"${rest}}`;
export const role = (service: string, name: string): string => of(service, `,role="${name}"`);

/** The labels of an edge; the default client is the front end. */
export const edge = (namespace: string, service: string, port: number | string, client = 'front'): string =>
  `{client_namespace="shop",client_service="${client}",server_namespace="${namespace}",server_service="${service}",server_port="${port}"}`;

/** Starts a web server with responses of 1000 bytes; port 0 selects a free one. */
export async function serve(sandbox: Sandbox, cgroup: Cgroup, host: string, port = 0) {
  const server = await sandbox.start(cgroup, 'http-server.mjs', { host, port, bodyBytes: 1000 });
  return { port: (server.ready as { port: number }).port, stop: () => server.stop() };
}

interface Translation {
  readonly family: string;
  readonly virtual: string;
  readonly real: string;
  readonly port: number;
}

/** Translates port 80 of `virtual` to `port` of `real` in a network namespace, like kube-proxy on a node. */
export function translate(sandbox: Sandbox, { family, virtual, real, port }: Translation): void {
  const length = family === 'ip' ? 32 : 128;
  sandbox.configure('ip', 'route', 'add', `${virtual}/${length}`, 'dev', 'eth0');
  const destination = family === 'ip' ? `${real}:${port}` : `[${real}]:${port}`;
  const nft = (...command: readonly string[]) => sandbox.configure('nft', command.join(' '));
  nft('add table', family, 'services');
  nft('add chain', family, 'services output { type nat hook output priority -100; }');
  nft('add rule', family, `services output ${family} daddr ${virtual} tcp dport 80 dnat to ${destination}`);
}
