import { resolve } from 'node:path';
import { isInstalled } from './installed.ts';
import type { Site } from './site.ts';
import { peerOf, type WatcherKind } from './watcher.ts';

export const ANCESTOR = 'an event per connection';

/** The design that Lorikeet descends from, see bench/exporter/ancestor. */
export function ancestor({ workshop }: Site): WatcherKind {
  const agent = workshop.program('ancestor/gazer.c', '-lbpf', '-lelf', '-lz');
  const object = workshop.bpfObject('ancestor/gazer.bpf.c');
  return peerOf(ANCESTOR, [agent, object], ({ output }) => parseGazer(output.at(-1) ?? ''));
}

export function parseGazer(line: string): number {
  return (JSON.parse(line) as { readonly lost: number }).lost;
}

/**
 * The public tools that watch connections and that Debian has packages of; one that isn't installed is left out, aloud.
 * tcplife (libbpf-tools) is of the ancestor's design, bpftrace sums in the kernel as Lorikeet does.
 */
export function publicPeers(): readonly WatcherKind[] {
  const bpftrace = peerOf(
    'bpftrace, connections only',
    ['bpftrace', '-q', resolve('bench/exporter/peers/connections.bt')],
    () => undefined,
  );
  const tcplife = peerOf('tcplife', ['tcplife'], ({ errors }) => parseTcplife(errors));
  return [
    ...(isInstalled('tcplife', 'libbpf-tools') ? [tcplife] : []),
    ...(isInstalled('bpftrace', 'bpftrace') ? [bpftrace] : []),
  ];
}

/** Told as `lost 12 events on CPU #1!`, each time. */
export function parseTcplife(errors: readonly string[]): number {
  return errors.reduce((sum, line) => sum + Number(/^lost (\d+) events/i.exec(line)?.[1] ?? 0), 0);
}
