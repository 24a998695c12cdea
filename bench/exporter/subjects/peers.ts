import { resolve } from 'node:path';
import { isInstalled } from './installed.ts';
import type { Site } from '../site/site.ts';
import { peerOf, type WatcherKind } from './watcher.ts';

export const ANCESTOR = 'an event per connection';

/** The design that preceded Lorikeet, see bench/exporter/ancestor. */
export function ancestor({ workshop }: Site): WatcherKind {
  const agent = workshop.program('ancestor/gazer.c', '-lbpf', '-lelf', '-lz');
  const object = workshop.bpfObject('ancestor/gazer.bpf.c');
  return peerOf(ANCESTOR, [agent, object], ({ output }) => parseGazer(output.at(-1) ?? ''));
}

export function parseGazer(line: string): number {
  return (JSON.parse(line) as { readonly lost: number }).lost;
}

/**
 * Public tools that monitor connections and are packaged in Debian. Those not installed are skipped with a message.
 * tcplife (libbpf-tools) has the ancestor's design; bpftrace aggregates in the kernel like Lorikeet.
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

/** Sums lines such as `lost 12 events on CPU #1!`. */
export function parseTcplife(errors: readonly string[]): number {
  return errors.reduce((sum, line) => sum + Number(/^lost (\d+) events/i.exec(line)?.[1] ?? 0), 0);
}
