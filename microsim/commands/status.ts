import { defineCommand, print } from '../../daemon/command.ts';
import { connectSim } from '../controller/client.ts';
import { describeFaultArgs } from '../protocol/fault.ts';
import { Instance } from '../controller/instance.ts';
import type { ServiceStatus, SimStatus } from '../protocol/status.ts';
import { SIM_FLAGS } from './flags.ts';

export const status = defineCommand({
  usage: 'status [flags]',
  summary: 'Show services, load and the active fault.',
  flags: { json: { type: 'boolean', help: 'Print the complete status as JSON.' }, ...SIM_FLAGS },
  async run(flags) {
    const now = await connectSim(new Instance(flags.name, flags['state.dir']).stateDir).status();
    print(flags.json ? `${JSON.stringify(now, undefined, 2)}\n` : render(now));
  },
});

const COLUMNS = ['service', 'state', 'address', 'req/s', 'ms', 'requests', 'failures', 'rejected', 'rss MB'];

function render({ name, ready, fault, load, services }: SimStatus): string {
  const rows = Object.entries(services).map(([service, row]) => renderService(service, row));
  const widths = COLUMNS.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row.map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ');
  const head = [
    `${name}: ${ready ? 'up' : 'starting'}`,
    load === undefined ? 'no load' : `${load.rate.toFixed(1)} requests/s, ${load.failures} of ${load.requests} failed`,
    fault === null
      ? 'no fault'
      : `${fault.type} on ${fault.service} ${describeFaultArgs(fault.args, fault.callee)}`.trimEnd(),
  ];
  return `${head.join('; ')}\n${[COLUMNS, ...rows].map(line).join('\n')}\n`;
}

/** Cells in the order of `COLUMNS`. */
function renderService(service: string, { state, address, stats }: ServiceStatus): string[] {
  if (stats === undefined) return [service, state, address, '', '', '', '', '', ''];
  const { rate, latency_ms, requests, failures, rejected, rss_mb } = stats;
  const counts = [requests, failures, rejected].map(String);
  return [service, state, address, rate.toFixed(1), latency_ms.toFixed(1), ...counts, rss_mb.toFixed(0)];
}
