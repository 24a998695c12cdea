import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, runCommand } from './run-command.ts';

/** Directory with the names of `ip netns`. */
const NETNS_DIRECTORY = '/run/netns';

export function netnsPath(name: string): string {
  return join(NETNS_DIRECTORY, name);
}

/** Names of the network namespaces that start with `prefix`. */
export function listNetns(prefix: string): string[] {
  if (!existsSync(NETNS_DIRECTORY)) return [];
  return readdirSync(NETNS_DIRECTORY).filter((name) => name.startsWith(prefix));
}

export interface NetworkMember {
  readonly netns: string;
  readonly address: string;
}

/**
 * Builds a network of namespaces: one has a bridge, each member is connected to it by a veth pair, with
 * `eth0` in the member. Both ends are created inside the namespaces, so the machine's own network is not
 * affected.
 *
 * @throws CommandError
 */
export async function createNetwork(hub: string, members: readonly NetworkMember[], prefixLength = 24): Promise<void> {
  await Promise.all(
    [hub, ...members.map(({ netns }) => netns)].map((name) => runCommand('ip', ['netns', 'add', name])),
  );
  const ports = members.flatMap(({ netns }, index) => [
    `link add s${index} type veth peer name eth0 netns ${netns}`,
    `link set s${index} addrgenmode none master br0 up`,
  ]);
  // No automatic IPv6 addresses: neighbour discovery would be traffic without a sender.
  await batch(hub, ['link set lo up', 'link add br0 type bridge', 'link set br0 addrgenmode none up', ...ports]);
  await Promise.all(
    members.map(({ netns, address }) =>
      batch(netns, [
        'link set lo up',
        'link set eth0 addrgenmode none',
        `address add ${address}/${prefixLength} dev eth0`,
        'link set eth0 up',
      ]),
    ),
  );
}

/** Removes namespaces by name, with their contents. Ignores those that do not exist. */
export async function removeNetns(names: readonly string[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      try {
        await runCommand('ip', ['netns', 'delete', name]);
      } catch (error) {
        if (!(error instanceof CommandError) || existsSync(netnsPath(name))) throw error;
      }
    }),
  );
}

function batch(netns: string, lines: readonly string[]): Promise<void> {
  return runCommand('ip', ['-netns', netns, '-batch', '-'], `${lines.join('\n')}\n`);
}
