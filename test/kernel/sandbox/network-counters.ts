import type { Sandbox } from './sandbox.ts';

/**
 * The kernel's counters in a sandbox's network namespace, from /proc/net/snmp and netstat, such as `Tcp.RetransSegs`.
 */
export function networkCounters(sandbox: Sandbox): Readonly<Record<string, number>> {
  const lines = sandbox.configure('cat', '/proc/net/snmp', '/proc/net/netstat').trim().split('\n');
  const counters: Record<string, number> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [protocol = '', ...names] = (lines[i] ?? '').split(' ');
    const values = (lines[i + 1] ?? '').split(' ').slice(1);
    for (const [index, name] of names.entries()) counters[protocol.replace(':', '.') + name] = Number(values[index]);
  }
  return counters;
}
