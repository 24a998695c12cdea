import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, runCommand } from './run-command.ts';

/** Where `ip netns` keeps its names. */
const NETNS_DIRECTORY = '/run/netns';

export function netnsPath(name: string): string {
  return join(NETNS_DIRECTORY, name);
}

/** Names of the network namespaces that begin with `prefix`. */
export function listNetns(prefix: string): string[] {
  if (!existsSync(NETNS_DIRECTORY)) return [];
  return readdirSync(NETNS_DIRECTORY).filter((name) => name.startsWith(prefix));
}

export interface NetworkMember {
  readonly netns: string;
  readonly address: string;
}

/**
 * Builds a network of namespaces: one holds a bridge, each member is plugged into it by a veth pair of
 * which its end is `eth0`. Both ends are born inside the namespaces, so that the machine's own network
 * never sees any of it.
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
  // No IPv6 addresses of their own accord: their discovery would be traffic without a sender.
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

/** Removes namespaces by name, and with them what is inside. Those already gone are no error. */
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
